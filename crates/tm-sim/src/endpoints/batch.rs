//! `POST /oauthTokens`: tokens for up to five tenants.

use http::request::Parts;

use super::Application;
use crate::answers::{Answer, BatchAnswer, BatchEntry, Payload, Refusal};
use crate::checks;
use crate::choices::BatchPolicy;
use crate::fields::{Fields, about};
use crate::roster::Standing;
use crate::service::{Live, Service};

#[derive(Debug, Clone)]
pub(crate) struct BatchCall {
    application: Application,
    pub(crate) user_tenants: Vec<String>,
}

/// Documented: "Request up to 5 access tokens".
const MOST_TENANTS: usize = 5;

impl BatchCall {
    pub(super) fn parse(service: &Service, live: &Live, head: &Parts, body: &[u8]) -> Result<Self, Refusal> {
        checks::credentials(&head.headers, live)?;
        checks::json_content_type(&head.headers)?;
        let documented = ["appName", "appVersion", "hostTenantId", "userTenantIds"];
        let fields = Fields::parse(body, &documented, &service.config.extra_fields)?;
        Ok(Self {
            application: Application {
                name: fields.text("appName")?,
                version: fields.text("appVersion")?,
                host_tenant: fields.text("hostTenantId")?,
            },
            user_tenants: one_to_five(fields.texts("userTenantIds")?)?,
        })
    }

    pub(super) fn serve(self, service: &Service) -> Result<Answer, Refusal> {
        self.application.admit(service)?;
        let mut allowed = Vec::with_capacity(self.user_tenants.len());
        for (id, standing) in standings(service, self.user_tenants) {
            match (standing, service.config.batch_policy) {
                (Standing::Allowed, _) => allowed.push(id),
                (Standing::Refused, BatchPolicy::RefuseWhole) => {
                    return Err(Refusal::forbidden("One of the tenants has not granted access."));
                }
                (Standing::Unknown, BatchPolicy::RefuseWhole) => return Err(Refusal::unknown_tenant()),
                (Standing::Refused | Standing::Unknown, BatchPolicy::OmitRefused) => {}
            }
        }
        let entries = allowed.into_iter().map(|tenant| {
            let token = service.issue(&tenant)?;
            Ok(BatchEntry { tenant, token })
        });
        let tokens = entries.collect::<Result<_, Refusal>>()?;
        Ok(Answer::ok(Payload::Batch(BatchAnswer { tokens })))
    }
}

fn one_to_five(ids: Vec<String>) -> Result<Vec<String>, Refusal> {
    let name = "userTenantIds";
    if ids.is_empty() || ids.len() > MOST_TENANTS {
        return Err(about(name, "must have 1 to 5 ids"));
    }
    if ids.iter().enumerate().any(|(position, id)| ids.iter().take(position).any(|earlier| earlier == id)) {
        return Err(about(name, "has an id twice"));
    }
    Ok(ids)
}

fn standings(service: &Service, ids: Vec<String>) -> Vec<(String, Standing)> {
    service.with(|live| {
        ids.into_iter()
            .map(|id| {
                let standing = live.roster.standing(&id);
                (id, standing)
            })
            .collect()
    })
}

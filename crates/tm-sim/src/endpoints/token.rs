//! `POST /oauth/token`: a token for one tenant.

use http::request::Parts;

use super::Application;
use crate::answers::{Answer, Payload, Refusal};
use crate::checks;
use crate::fields::Fields;
use crate::roster::Standing;
use crate::service::{Live, Service};

#[derive(Debug, Clone)]
pub(crate) struct SingleCall {
    application: Application,
    pub(crate) user_tenant: String,
}

impl SingleCall {
    pub(super) fn parse(service: &Service, live: &Live, head: &Parts, body: &[u8]) -> Result<Self, Refusal> {
        checks::credentials(&head.headers, live)?;
        checks::json_content_type(&head.headers)?;
        let documented = ["appName", "appVersion", "hostTenant", "userTenant"];
        let fields = Fields::parse(body, &documented, &service.config.extra_fields)?;
        Ok(Self {
            application: Application {
                name: fields.text("appName")?,
                version: fields.text("appVersion")?,
                host_tenant: fields.text("hostTenant")?,
            },
            user_tenant: fields.text("userTenant")?,
        })
    }

    pub(super) fn serve(self, service: &Service) -> Result<Answer, Refusal> {
        self.application.admit(service)?;
        match service.with(|live| live.roster.standing(&self.user_tenant)) {
            Standing::Allowed => {}
            Standing::Refused => return Err(Refusal::forbidden("The tenant has not granted access.")),
            Standing::Unknown => return Err(Refusal::unknown_tenant()),
        }
        service.issue(&self.user_tenant).map(|token| Answer::ok(Payload::Token(token)))
    }
}

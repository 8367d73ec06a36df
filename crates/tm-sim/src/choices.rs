//! The choices between ways in which the service may behave, where documents differ or say nothing.

/// Which of the vendor's two platforms is simulated. It decides the base path, the issuer, the claim that names the
/// tenant, and what generated tenant ids look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Platform {
    /// Insights Hub: `/api/technicaltokenmanager/v3`, claim `ten`, ids like `tenant-0001`.
    #[default]
    InsightsHub,
    /// Siemens Xcelerator: `/api/technicaltokenmanager-1000001700/v3`, claim `sws.samauth.ten`, 10-digit ids.
    /// The path and the issuer are inferred from public documents, not told by them.
    Xcelerator,
}

impl Platform {
    /// The path under which the token management service lives.
    pub fn base_path(self) -> &'static str {
        match self {
            Self::InsightsHub => "/api/technicaltokenmanager/v3",
            Self::Xcelerator => "/api/technicaltokenmanager-1000001700/v3",
        }
    }

    pub(crate) fn default_host_tenant(self) -> &'static str {
        match self {
            Self::InsightsHub => "operator",
            Self::Xcelerator => "1000000000",
        }
    }

    pub(crate) fn generated_ids(self, count: usize) -> Vec<String> {
        match self {
            Self::InsightsHub => {
                let width = count.to_string().len().max(4);
                (1..=count).map(|n| format!("tenant-{n:0width$}")).collect()
            }
            Self::Xcelerator => (1..=count).map(|n| (1_000_000_000 + n).to_string()).collect(),
        }
    }
}

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signing {
    /// Each token has a signature of its own that verifies with the key of `/token_keys` (0.5 to 1 ms a token).
    #[default]
    Real,
    /// One signature, made at the start, ends every token. **No such token verifies**: for benchmarks, where the
    /// service must cost less than the client that is measured.
    Reused,
}

/// What a batch does with a tenant that is unknown or refused. The documents do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchPolicy {
    /// The whole batch is refused, with the status of its first such tenant.
    #[default]
    RefuseWhole,
    /// The answer is 200 and lacks such tenants; it may be an empty list.
    OmitRefused,
}

/// The shape of an error body. The documents do not say; public clients expect several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorStyle {
    /// `{"errors":[{"code","message","logref"}]}`.
    #[default]
    Errors,
    /// `{"error","error_description"}`.
    OAuth,
    /// A page of HTML that does not name the error, as a proxy makes it.
    Html,
    /// No body and no content type.
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_are_all_of_one_width() {
        let ids = Platform::InsightsHub.generated_ids(100_000);
        assert_eq!(ids.first().map(String::as_str), Some("tenant-000001"));
        assert_eq!(ids.last().map(String::as_str), Some("tenant-100000"));
        let ids = Platform::InsightsHub.generated_ids(3);
        assert_eq!(ids, ["tenant-0001", "tenant-0002", "tenant-0003"]);
    }

    #[test]
    fn ids_of_xcelerator_are_ten_digits() {
        for id in Platform::Xcelerator.generated_ids(200) {
            assert!(id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
        }
    }
}

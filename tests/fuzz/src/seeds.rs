//! Where a target begins: its corpus, and what the vectors have for it.

use std::{fs, path::PathBuf};

use http::header;

#[path = "../../vectors/vectors.rs"]
mod vectors;

use vectors::{AnswerVector, Endpoint, Expected, Named};

/// The folder of a target's corpus. Files in it have any name.
pub fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// All seeds of a target, each with a name: the files of its corpus, then the vectors that suit it.
///
/// # Errors
/// The corpus or the vectors cannot be read.
pub fn seeds(target: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let folder = corpus(target);
    let mut seeds = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| format!("{}: {error}", folder.display()))?.path();
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        seeds.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes));
    }
    seeds.sort();
    let vectors = vectors::load_all().map_err(|error| error.to_string())?;
    seeds.extend(vectors.answers.iter().filter_map(|vector| of_vector(target, vector)));
    Ok(seeds)
}

fn of_vector(target: &str, Named { name, vector }: &Named<AnswerVector>) -> Option<(String, Vec<u8>)> {
    let refused = vector.status >= 300;
    let body = vector.body();
    let bytes = match (target, vector.endpoint) {
        ("one_token", Endpoint::OneToken)
        | ("batch", Endpoint::Batch)
        | ("user_tenants", Endpoint::UserTenants)
            if !refused =>
        {
            body.to_vec()
        }
        ("error_body", _) if refused => [&(vector.status - 300).to_be_bytes()[..], &body].concat(),
        ("retry_after", _) => {
            let response = vector.response();
            let value = |name| response.headers().get(name).map_or(&b""[..], |value| value.as_bytes());
            let (date, wish) = (value(header::DATE), value(header::RETRY_AFTER));
            if wish.is_empty() {
                return None;
            }
            [&[u8::try_from(date.len()).ok()?], date, wish].concat()
        }
        ("claims", Endpoint::OneToken) if matches!(vector.expect, Expected::Tokens(_)) => {
            let json: serde_json::Value = serde_json::from_slice(&body).ok()?;
            json.get("access_token")?.as_str()?.as_bytes().to_vec()
        }
        _ => return None,
    };
    Some((format!("vector {name}"), bytes))
}

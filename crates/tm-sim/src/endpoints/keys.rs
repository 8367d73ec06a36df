//! `GET /token_keys`: the public key that verifies the tokens.

use crate::answers::{Answer, Payload};
use crate::service::Service;

pub(super) fn serve(service: &Service) -> Answer {
    Answer::ok(Payload::Keys(service.signer.public_keys()))
}

//! The shapes of error bodies.

use tm_sim::{ErrorStyle, Simulator};

use crate::client::{Reply, single};

fn refusal(style: ErrorStyle) -> Reply {
    let sim = Simulator::builder().error_style(style).start().expect("it starts");
    let reply = single(&sim, "nobody");
    assert_eq!(reply.status, 404);
    reply
}

#[test]
fn an_error_has_code_message_and_log_reference() {
    let reply = refusal(ErrorStyle::Errors);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let body = reply.json();
    let error = body["errors"][0].as_object().expect("an object");
    assert_eq!(error["code"], "mdsp.core.tokenmanager.tenantNotFound");
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(error["logref"].as_str().is_some_and(|text| text.len() == 16));
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_error_may_have_the_shape_of_oauth() {
    let body = refusal(ErrorStyle::OAuth).json();
    assert_eq!(body["error"], "mdsp.core.tokenmanager.tenantNotFound");
    assert!(body["error_description"].as_str().is_some_and(|text| !text.is_empty()));
}

#[test]
fn an_error_may_be_html_or_nothing() {
    let html = refusal(ErrorStyle::Html);
    assert_eq!(html.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(html.body.starts_with(b"<html>"));

    let empty = refusal(ErrorStyle::Empty);
    assert_eq!((empty.header("content-type"), empty.body.len()), (None, 0));
}

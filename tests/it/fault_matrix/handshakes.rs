//! Faults of TLS. All are told by the alert or by what is read, and a peer that is not trusted is never sent anything.

use tm_async::TransportFault::{Interrupted, NotSent};

use super::{
    fault::Fault,
    peers::{INSISTS_ON_1_1, PLAIN, Peer, TOO_OLD},
    row::{Row, broken, row, untrusted},
};

pub(super) fn rows() -> Vec<Row> {
    let tls = Fault::Handshake;

    #[rustfmt::skip]
    let rows = vec![
        row("TLS: an authority that is not known", tls(Peer::Unknown),               untrusted()),
        row("TLS: a certificate that has ended",   tls(Peer::Expired),               untrusted()),
        row("TLS: the certificate of another",     tls(Peer::OtherHost),             untrusted()),
        row("TLS: plain HTTP on its port",         tls(Peer::Sends(PLAIN)),          untrusted()),
        row("TLS: 1.1 at most, by an alert",       tls(Peer::Sends(TOO_OLD)),        untrusted()),
        row("TLS: 1.1 at most, by its hello",      tls(Peer::Sends(INSISTS_ON_1_1)), untrusted()),
        row("TLS: silence",                        tls(Peer::Silent),                broken(NotSent)),
        row("TLS: closed within the handshake",    tls(Peer::Gone),                  broken(NotSent)
            .but_over_ureq(Interrupted, "it reads on through the handshake, and an end is an end to it wherever it comes")),
        row("TLS: cut within the body",            tls(Peer::Cut),                   broken(Interrupted)),
    ];
    rows
}

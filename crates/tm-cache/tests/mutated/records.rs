//! Sealed records.

use bytes::Bytes;
use tm_cache::{KeyRing, NoStore, Record, Storage};
use tm_core::{
    Application, Credentials, Gateway, TenantId, Token, UnixTime,
    broker::{Kept, Stamp},
};

use crate::{each, support::HOUR};

#[test]
fn nothing_opens_but_what_was_sealed() {
    let ring = ["name", "seal"].map(|name| format!("{name}={}", "A".repeat(43))).join(" ");
    let application = Application {
        gateway: Gateway::region("eu1").unwrap(),
        host_tenant: TenantId::new("operator").unwrap(),
        name: "app".parse().unwrap(),
        version: "1".parse().unwrap(),
    };
    let credentials = Credentials::new("client", "hush").unwrap();
    let codec = Storage::sealed(NoStore, KeyRing::parse(&ring).unwrap()).codec(&application, &credentials);
    let plain = Storage::plaintext(NoStore).codec(&application, &credentials);
    let keys = ["acme", "other"].map(|tenant| codec.key(&TenantId::new(tenant).unwrap()));
    let kept = |text: &str| {
        let stamp = Stamp { issued: UnixTime::from_secs(1_000), expires: UnixTime::from_secs(2_800) };
        Kept { token: Token::new(text).unwrap(), stamp, remaining: HOUR, cold: true }
    };
    let good = ["t".to_owned(), "aaa.bbb.ccc".repeat(20)].map(|text| {
        let kept = kept(&text);
        (codec.record(&keys[0], &kept).unwrap(), kept)
    });
    let bad = [codec.record(&keys[1], &kept("t")), plain.record(&keys[0], &kept("t"))].map(Option::unwrap);
    let all = good.iter().map(|(record, _)| record).chain(&bad);
    let seeds: Vec<Vec<u8>> = all.map(|record| record.bytes().to_vec()).collect();
    let opened = each(20_000, &seeds, &["\0", "\u{1}", "\u{2}"], |input| {
        let record = Record::parse(Bytes::copy_from_slice(input), HOUR);
        let opened = record.and_then(|record| codec.kept(&keys[0], &record));
        let sealed = good.iter().find(|(record, _)| record.bytes() == input);
        assert_eq!(opened.as_ref(), sealed.map(|(_, kept)| kept));
        opened.is_some()
    });
    assert!((10..1_000).contains(&opened), "{opened}");
}

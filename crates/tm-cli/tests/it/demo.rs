//! The demo's numbers.

use crate::support::{TRANSPORTS, Tm};

#[test]
fn the_demo_shows_what_237_tenants_cost() {
    for (transport, name) in TRANSPORTS.into_iter().zip(["async", "blocking"]) {
        let ran = Tm::new(["demo", "--json"]).args(transport).ran();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let [cost] = &ran.rows()[..] else { panic!("{}", ran.stdout) };
        let number = |name: &str| cost[name].as_u64().unwrap();
        assert_eq!((number("tenants"), number("served")), (237, 237));
        assert_eq!((number("operator_tokens"), number("pages"), number("batches")), (1, 3, 48));
        assert_eq!(number("single_calls"), 0);
        let again = |name: &str| cost["again"][name].as_u64().unwrap();
        assert_eq!((again("served"), again("from_the_store"), again("token_calls")), (237, 237, 0));
        assert!(cost["transport"].as_str().unwrap().starts_with(name), "{cost}");
    }
}

#[test]
fn the_demo_reads_like_a_table() {
    for transport in TRANSPORTS {
        let ran = Tm::new(["demo"]).args(transport).ran();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        for wanted in [
            "tenant       expires in  scopes\n",
            "... and 232 more\n",
            "   237  of 237 tenants served",
            "     1  operator tokens",
            "     3  pages",
            "    48  batches",
            "     0  single calls",
            "   237  tokens out of the files",
            "     0  token calls",
        ] {
            assert!(ran.stdout.contains(wanted), "{wanted} is not in\n{}", ran.stdout);
        }
    }
}

#[test]
fn the_demo_has_as_many_tenants_as_it_is_told() {
    for (tenants, pages, batches) in [("0", 1, 0), ("1", 1, 0), ("5", 1, 1)] {
        let ran = Tm::new(["demo", "--json", "--tenants", tenants]).ran();
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let cost = &ran.rows()[0];
        assert_eq!(cost["served"].to_string(), tenants);
        assert_eq!(
            (cost["pages"].as_u64(), cost["batches"].as_u64()),
            (Some(pages), Some(batches)),
            "{cost}"
        );
    }
}

//! What tokens take in memory, everything around them included.

use canned::{Answers, InProcess};
use measure::{Line, Pair, wanted};

const TENANTS: usize = 100_000;
const TOKEN: usize = 2_048;

pub fn run() {
    if !wanted("memory-100k") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut kept = None;
    let taken = allocation_counter::measure(|| {
        let transport = InProcess(Answers::new(TOKEN, 0));
        let client = tm_async::Client::builder(canned::setup("https://127.0.0.1:1")).transport(transport).build()
            .expect("set up");
        for start in (0..TENANTS).step_by(1_000) {
            let some: Vec<_> = canned::tenants(start + 1_000).split_off(start);
            runtime.block_on(client.tokens(some));
        }
        kept = Some(client);
    });
    let client = kept.expect("it was set up");
    assert_eq!(client.stats().tokens_held, TENANTS);
    let text: usize = runtime.block_on(async {
        let mut text = 0;
        for tenant in canned::tenants(TENANTS) {
            text += client.token(tenant).await.expect("a token").secret().len();
        }
        text
    });
    let (ours, baseline) = (taken.bytes_current as f64 / 1e6, text as f64 / 1e6);
    let pair = Pair { ours, baseline, ratio: ours / baseline };
    Line::of("memory-100k", "MB", "the tokens' text", pair).at_most(1.2).print();
    let counted = client.stats().bytes_held as f64 / 1e6;
    let pair = Pair { ours: counted, baseline: ours, ratio: counted / ours };
    Line::of("memory-counted", "MB", "what is allocated", pair).print();
}

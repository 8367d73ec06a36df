//! A hit in the credential libraries that others use, beside one of ours among 100 tenants. Each library has one token to
//! serve, is asked in the way its documents tell, and got the token from a fake on loopback or, where it insists on https or
//! leaves that to others, from one in this process.

mod ours;
mod theirs;

use std::{future::Future, hint::black_box, pin::Pin};

use measure::{Line, Pair, median, thread_time, wanted_group};
use tokio::runtime::Runtime;

const ROUNDS: usize = 15;
const HITS: usize = 20_000;

/// Makes so many hits.
type Hits<'a> = Box<dyn Fn(usize) -> Pin<Box<dyn Future<Output = ()> + 'a>> + 'a>;

fn main() {
    if !["libraries-", "library-", "moka"].into_iter().any(wanted_group) {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let libraries = runtime.block_on(theirs::all());
    let ours = runtime.block_on(ours::Ours::new());
    let moka = theirs::moka();

    // One round of all, then the next, so that what disturbs one disturbs the others.
    let mut figures = vec![Vec::new(); libraries.len()];
    let (mut hits, mut handle, mut in_moka) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for ((_, library), figures) in libraries.iter().zip(&mut figures) {
            figures.push(each(&runtime, library));
        }
        hits.push(each(&runtime, &ours.hits()));
        handle.push(each(&runtime, &ours.handle()));
        in_moka.push(each(&runtime, &moka_hits(&moka)));
    }
    let named: Vec<(&str, f64)> =
        libraries.iter().map(|(name, _)| *name).zip(figures.into_iter().map(median)).collect();
    let (fastest, baseline) = named.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).expect("five");
    let pair = |ours: f64| Pair { ours, baseline, ratio: ours / baseline };
    let (hits, handle, in_moka) = (median(hits), median(handle), median(in_moka));
    Line::of("libraries-hit", "ns", fastest, pair(hits)).at_most(0.4).print();
    Line::of("libraries-handle", "ns", fastest, pair(handle)).at_most(0.2).print();
    for (name, figure) in named {
        let pair = Pair { ours: hits, baseline: figure, ratio: hits / figure };
        Line::of(&format!("library-{name}"), "ns", name, pair).print();
    }
    let pair = Pair { ours: hits, baseline: in_moka, ratio: hits / in_moka };
    Line::of("moka", "ns", "moka::sync, Arc clone, clock", pair).print();
}

fn each(runtime: &Runtime, hits: &Hits<'_>) -> f64 {
    runtime.block_on(async {
        let start = thread_time();
        hits(HITS).await;
        (thread_time() - start) / HITS as f64
    })
}

fn moka_hits(cache: &theirs::Moka) -> Hits<'_> {
    Box::new(move |times| {
        Box::pin(async move {
            for time in 0..times {
                black_box(cache.hit(black_box(time)));
            }
        })
    })
}

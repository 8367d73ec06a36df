//! Ours, among 100 tenants.

use std::hint::black_box;

use canned::{Answers, InProcess};
use tm_async::{Client, Tenant, TenantId};

use crate::Hits;

pub struct Ours {
    client: Client,
    tenants: Vec<TenantId>,
    handle: Tenant,
}

impl Ours {
    pub async fn new() -> Self {
        let tenants = canned::tenants(100);
        let transport = InProcess(Answers::new(1_500, 0));
        let client = Client::builder(canned::setup("https://127.0.0.1:1")).transport(transport).build().expect("set up");
        client.tokens(tenants.iter().cloned()).await;
        let handle = client.tenant(&tenants[7]).expect("a good id");
        // The first hit of a token asks the broker.
        for tenant in &tenants {
            client.token(tenant).await.expect("a token");
        }
        handle.token().await.expect("a token");
        Self { client, tenants, handle }
    }

    pub fn hits(&self) -> Hits<'_> {
        Box::new(move |times| {
            Box::pin(async move {
                for tenant in self.tenants.iter().cycle().take(times) {
                    black_box(self.client.token(black_box(tenant)).await.expect("a hit"));
                }
            })
        })
    }

    pub fn handle(&self) -> Hits<'_> {
        Box::new(move |times| {
            Box::pin(async move {
                for _ in 0..times {
                    black_box(self.handle.token().await.expect("a hit"));
                }
            })
        })
    }
}

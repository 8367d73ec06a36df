//! What a start costs when the tokens are kept already: a client's from Redis, and the program's from files.
//!
//! `starts profile` is for callgrind.

mod from_redis;
mod profile;
mod redis_server;
mod tm;
mod unasked;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("profile") {
        return profile::run();
    }
    from_redis::run();
    tm::run();
}

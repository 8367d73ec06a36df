//! What calls cost, beside loops over the bare HTTP clients that send the same requests and read the same answers. The
//! service is raw sockets with its answers ready.

mod bare;
mod cold;
mod first;
mod one_call;

fn main() {
    if let Some(which) = std::env::var_os("BENCH_FIRST_TOKEN") {
        return first::in_this_process(&which.to_string_lossy());
    }
    cold::run();
    first::run();
    one_call::run();
}

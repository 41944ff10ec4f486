//! What a call costs that a stand-in answers, beside the same call to the outside service itself, in turn in one run.
//!
//!     cargo run --release -p understudy-dependency --example call_cost [CALLS]
//!
//! The outside service answers at once with 200 bytes, so the difference is what the stand-in takes: per call over one
//! kept connection, in rounds of a thousand calls each way.

#![expect(
    clippy::print_stdout,
    reason = "a measurement for developers prints its result"
)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use understudy_dependency::{Lead, Recording, StandIn, Standing, Wait};
use understudy_subject_http::{ClientLimits, Target};
use understudy_wire::http1::Limits;

const CALLS_A_ROUND: usize = 1000;
const REQUEST: &[u8] = b"GET /price/1 HTTP/1.1\r\nHost: prices\r\n\r\n";

fn main() -> Result<(), Box<dyn Error>> {
    let calls: usize = std::env::args()
        .nth(1)
        .map_or(Ok(20_000), |text| text.parse())?;
    let outside = outside()?;
    let standing = Standing {
        name: "prices".to_owned(),
        upstream: Target::parse_server(&format!("http://{outside}"))?,
        limits: ClientLimits {
            timeout: Duration::from_secs(10),
            response: Limits {
                head_bytes: 1 << 16,
                body_bytes: 1 << 20,
                interim: 4,
            },
        },
        wait: Wait::Fixed(Duration::ZERO),
        cpus: None,
    };
    let stand_in = StandIn::start(standing, Lead::Leads, Arc::new(Recording::default()))?;
    let mut direct = TcpStream::connect(outside)?;
    let mut through = TcpStream::connect(stand_in.address())?;
    for stream in [&direct, &through] {
        stream.set_nodelay(true)?;
    }
    // The first one is recorded.
    call(&mut through)?;
    stand_in.handler().close();
    let mut ratios = Vec::new();
    let (mut of_direct, mut of_stand_in) = (Vec::new(), Vec::new());
    for _ in 0..calls.div_ceil(CALLS_A_ROUND) {
        let (a, b) = (round(&mut direct)?, round(&mut through)?);
        of_direct.push(a);
        of_stand_in.push(b);
        ratios.push(b / a);
    }
    let (a, b, ratio) = (median(of_direct), median(of_stand_in), median(ratios));
    println!(
        "{a:.1} us a call to the service itself, {b:.1} us to its stand-in: {ratio:.2} times as long (medians of rounds)"
    );
    Ok(())
}

/// Microseconds a call.
fn round(stream: &mut TcpStream) -> std::io::Result<f64> {
    let begun = Instant::now();
    for _ in 0..CALLS_A_ROUND {
        call(stream)?;
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / CALLS_A_ROUND as f64)
}

/// The answer ends with the only `}`.
fn call(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(REQUEST)?;
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 || buffer[..count].ends_with(b"}") {
            return Ok(());
        }
    }
}

/// A service that answers everything in the same way.
fn outside() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let body = format!("{{\"price\": \"{}\"}}", "9".repeat(186));
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || -> std::io::Result<()> {
                stream.set_nodelay(true)?;
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer)? > 0 {
                    stream.write_all(answer.as_bytes())?;
                }
                Ok(())
            });
        }
    });
    Ok(address)
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

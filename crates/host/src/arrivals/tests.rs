use super::*;
use std::time::Instant;

fn arrivals() -> Arrivals {
    Arrivals {
        clock: Clock::since(Instant::now()),
        offset_ns: None,
        steady_since_ns: 0,
    }
}

const MS: u64 = 1_000_000;
/// The wall clock at zero.
const ZERO: i64 = 1_700_000_000_000_000_000;

/// The wall clock at a time of the run, milliseconds, once it was stepped by so many.
fn wall(at_ms: u64, stepped_ms: i64) -> i64 {
    ZERO + (at_ms * MS) as i64 + stepped_ms * MS as i64
}

#[test]
fn a_stamp_is_placed_by_its_age() {
    let mut arrivals = arrivals();
    arrivals.note(wall(10, 0), 10 * MS);
    arrivals.note(wall(60, 0), 60 * MS);
    let at = |stamp| arrivals.place(stamp, (wall(60, 0), 60 * MS));
    assert_eq!(at(wall(20, 0)), Some(20 * MS));
    assert_eq!(at(wall(60, 0)), Some(60 * MS));
    assert_eq!(at(wall(61, 0)), None, "after it was read");
    assert_eq!(at(wall(5, 0)), None, "before the clocks were compared");
    assert_eq!(at(i64::MIN), None);
    assert_eq!(at(i64::MAX), None);
}

#[test]
fn a_stepped_wall_clock_shifts_no_arrival_to_before_it_was() {
    for stepped_ms in [-3_600_000, -5, -1, 1, 5, 3_600_000] {
        let mut arrivals = arrivals();
        arrivals.note(wall(1, 0), MS);
        // The step is at 50 ms, and is seen at 60 ms.
        arrivals.note(wall(60, stepped_ms), 60 * MS);
        for arrived_ms in 2..100 {
            let stamp = match arrived_ms < 50 {
                true => wall(arrived_ms, 0),
                false => wall(arrived_ms, stepped_ms),
            };
            let read = (wall(100, stepped_ms), 100 * MS);
            let placed = arrivals.place(stamp, read);
            assert!(
                placed.is_none_or(|at| at >= arrived_ms * MS),
                "{stepped_ms}: {arrived_ms} became {placed:?}"
            );
            if arrived_ms >= 60 {
                assert_eq!(placed, Some(arrived_ms * MS));
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod on_linux {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (reader, _) = listener.accept().unwrap();
        stamp_arrivals(&reader);
        (sender, reader)
    }

    /// The kernel turns stamping on a moment after the first socket asks for it.
    fn warm_up(sender: &mut TcpStream, reader: &mut TcpStream) {
        for _ in 0..1000 {
            sender.write_all(b"x").unwrap();
            if receive(reader, &mut [0; 8]).unwrap().stamp.is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the kernel stamps nothing");
    }

    #[test]
    fn what_is_read_late_has_the_time_of_its_arrival() {
        let clock = Clock::since(Instant::now());
        let (mut sender, mut reader) = pair();
        warm_up(&mut sender, &mut reader);
        let mut arrivals = Arrivals::new(clock);
        for _ in 0..3 {
            let before = clock.now_ns();
            sender.write_all(b"answer").unwrap();
            let after = clock.now_ns();
            std::thread::sleep(Duration::from_millis(50));
            let received = receive(&mut reader, &mut [0; 64]).unwrap();
            assert_eq!(received.count, 6);
            let (now, arrived) = arrivals.of(received.stamp, before);
            let arrived = arrived.unwrap();
            assert!(now >= after + 50 * MS);
            // On a machine with other work the write itself can take as long as it likes; arrival is within it, or
            // a moment later.
            assert!(arrived >= before && arrived <= after + 5 * MS, "{arrived}");
            assert!(now - arrived >= 40 * MS);
        }
    }

    #[test]
    fn a_stamp_from_before_the_request_is_not_used() {
        let clock = Clock::since(Instant::now());
        let (mut sender, mut reader) = pair();
        warm_up(&mut sender, &mut reader);
        let mut arrivals = Arrivals::new(clock);
        sender.write_all(b"answer").unwrap();
        std::thread::sleep(Duration::from_millis(2));
        let sent = clock.now_ns();
        let received = receive(&mut reader, &mut [0; 64]).unwrap();
        let (now, arrived) = arrivals.of(received.stamp, sent);
        assert_eq!(arrived, None);
        assert!(now >= sent);
    }

    #[test]
    fn bytes_and_ends_are_those_of_read() {
        let (mut sender, mut reader) = pair();
        sender.write_all(b"abcdef").unwrap();
        let mut four = [0; 4];
        assert_eq!(receive(&mut reader, &mut four).unwrap().count, 4);
        assert_eq!(&four, b"abcd");
        let mut rest = [0; 4];
        assert_eq!(reader.read(&mut rest).unwrap(), 2);
        reader.set_nonblocking(true).unwrap();
        let nothing = receive(&mut reader, &mut four).unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
        reader.set_nonblocking(false).unwrap();
        drop(sender);
        let end = receive(&mut reader, &mut four).unwrap();
        assert_eq!((end.count, end.stamp), (0, None));
    }

    #[test]
    fn without_being_asked_the_kernel_does_not_stamp() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut reader, _) = listener.accept().unwrap();
        sender.write_all(b"x").unwrap();
        let received = receive(&mut reader, &mut [0; 8]).unwrap();
        assert_eq!((received.count, received.stamp), (1, None));
        let mut arrivals = Arrivals::new(Clock::since(Instant::now()));
        assert_eq!(arrivals.of(None, 0).1, None);
    }
}

//! What the plugin boundary costs: one `place` as a direct call, through the shared library, through it with a limit of
//! time as a run has it, through it in a process of its own, and, to compare with, through a bare pipe to a child process.
//! The same adapter answers all of them; encoding, call, decoding and the answer are in the measurement.
//!
//! The child at the pipe is this program itself, started with [`CHILD`] in its environment.

#![allow(missing_docs, clippy::unwrap_used)]

use std::cell::RefCell;
use std::io::{BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::Criterion;
use fixture_echo::Echo;
use investbot::clock::VirtualClock;
use investbot::plugin::{Isolation, Plugin, SearchPath, Venue};
use investbot_plugin_api::dispatch::Dispatcher;
use investbot_plugin_api::host::HostServices;
use investbot_plugin_api::op::{CallHeader, Frame, Operation};
use investbot_plugin_api::*;

const CHILD: &str = "BOUNDARY_BENCH_CHILD";

/// What `place` through the shared library may cost.
const TARGET: Duration = Duration::from_micros(1);

fn main() {
    if std::env::var_os(CHILD).is_some() {
        return serve();
    }
    let mut criterion = Criterion::default().configure_from_args();
    let samples = Samples::default();
    let order = order();

    let direct = Echo::open(host(), params()).unwrap();
    let services = host();
    samples.bench(&mut criterion, "direct", || {
        let call = Call::new(&services, CallHeader::default());
        direct.place(&call, &order)
    });

    let library = investbot_tests::plugin("fixture_echo");
    let plugin = Plugin::inspect(library.to_str().unwrap(), &SearchPath::default(), None).unwrap();
    let clock = Arc::new(VirtualClock::default());
    let patience = Duration::from_secs(10);
    let open = |params: OpenParams| {
        let clock = clock.clone();
        plugin
            .open(&params, clock, Arc::default(), patience)
            .unwrap()
    };
    let venue = open(params());
    samples.bench(&mut criterion, "library", || venue.place(&order));

    // An adapter that asks for the time crosses the boundary once more each way.
    let asking = open(OpenParams::new("{\"ask_time\":true}"));
    samples.bench(&mut criterion, "library-and-back", || asking.place(&order));

    // On a thread of its own, which the host can stop waiting for.
    let limited = open(params()).with_call_timeout(patience);
    samples.bench(&mut criterion, "limited", || limited.place(&order));

    let isolation = Isolation {
        program: investbot_tests::investbot().get_program().into(),
        readable: Vec::new(),
        memory: 1 << 30,
        held: None,
    };
    let clock = Arc::new(VirtualClock::default());
    let isolated = plugin
        .open_isolated(&params(), clock, Arc::default(), patience, isolation)
        .unwrap()
        .with_call_timeout(patience);
    samples.bench(&mut criterion, "isolated", || isolated.place(&order));

    let child = RefCell::new(Pipe::start());
    samples.bench(&mut criterion, "pipe", || child.borrow_mut().place(&order));
    drop(child);

    criterion.final_summary();
    samples.compare();
}

fn order() -> NewOrder {
    let mut order = NewOrder::new(
        "01JD2ZK5W8-4f9d0c",
        "BTC/USD",
        Side::Buy,
        Decimal::new(12_345_678, 8),
    );
    order.order_type = OrderType::Limit;
    order.limit_price = Some(Decimal::new(6_543_210, 2));
    order
}

fn params() -> OpenParams {
    OpenParams::new("{}")
}

/// A host that answers everything with the same bytes: the time 0.
struct Services;

impl HostServices for Services {
    fn call(&self, _: &str, _: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        Ok(vec![0])
    }
}

fn host() -> Host {
    Host::from_services(Services)
}

/// The times of each way, in nanoseconds a call, one a sample.
#[derive(Default)]
struct Samples(RefCell<Vec<(&'static str, Vec<u128>)>>);

impl Samples {
    fn bench(
        &self,
        criterion: &mut Criterion,
        name: &'static str,
        mut place: impl FnMut() -> Result<OrderReport, AdapterError>,
    ) {
        let mut times = Vec::new();
        criterion.bench_function(&format!("place/{name}"), |bencher| {
            bencher.iter_custom(|iterations| {
                let start = Instant::now();
                for _ in 0..iterations {
                    std::hint::black_box(place().unwrap());
                }
                let elapsed = start.elapsed();
                times.push(elapsed.as_nanos() / u128::from(iterations));
                elapsed
            });
        });
        self.0.borrow_mut().push((name, times));
    }

    /// Prints each way's median beside the direct call's.
    fn compare(&self) {
        let medians: Vec<_> = self
            .0
            .take()
            .into_iter()
            .filter(|(_, times)| !times.is_empty())
            .map(|(name, mut times)| {
                times.sort_unstable();
                (name, times[times.len() / 2])
            })
            .collect();
        let Some(&(_, direct)) = medians.first() else {
            return;
        };
        let mut out = std::io::stdout();
        for (name, nanos) in &medians {
            let tenths = nanos * 10 / direct.max(1);
            let (whole, tenth) = (tenths / 10, tenths % 10);
            writeln!(out, "{name:>16}: {nanos:>6} ns, {whole}.{tenth} x direct").unwrap();
        }
        if let Some((_, nanos)) = medians.iter().find(|(name, _)| *name == "library") {
            let verdict = match *nanos <= TARGET.as_nanos() {
                true => "met",
                false => "MISSED",
            };
            writeln!(out, "target of {TARGET:?} through the library: {verdict}").unwrap();
        }
    }
}

/// The parent's side: a request is its length and its bytes, and so is an answer.
struct Pipe {
    child: Child,
    to: Option<BufWriter<ChildStdin>>,
    from: BufReader<ChildStdout>,
    buffer: Vec<u8>,
}

impl Pipe {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            to: child.stdin.take().map(BufWriter::new),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
            buffer: Vec::new(),
        }
    }

    fn place(&mut self, order: &NewOrder) -> Result<OrderReport, AdapterError> {
        let header = CallHeader::default();
        self.buffer.clear();
        codec::encode_into(
            &Frame {
                header,
                body: order,
            },
            &mut self.buffer,
        );
        write_message(self.to.as_mut().unwrap(), &self.buffer);
        assert!(read_message(&mut self.from, &mut self.buffer));
        Ok(codec::from_slice(&self.buffer).unwrap())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // Closing its input ends the child.
        self.to = None;
        self.child.wait().unwrap();
    }
}

/// The child's side.
fn serve() {
    let Ok(adapter) = Dispatcher::<Echo>::open(host(), &params().to_bytes()) else {
        panic!("the adapter opens");
    };
    let mut from = BufReader::new(std::io::stdin().lock());
    let mut to = BufWriter::new(std::io::stdout().lock());
    let mut request = Vec::new();
    while read_message(&mut from, &mut request) {
        let answer = adapter.call(Operation::Place.as_str(), &request).unwrap();
        write_message(&mut to, &answer);
    }
}

fn write_message(to: &mut impl Write, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap();
    to.write_all(&length.to_le_bytes()).unwrap();
    to.write_all(bytes).unwrap();
    to.flush().unwrap();
}

/// False at the end of the input.
fn read_message(from: &mut impl Read, into: &mut Vec<u8>) -> bool {
    let mut length = [0; 4];
    if from.read_exact(&mut length).is_err() {
        return false;
    }
    into.resize(usize::try_from(u32::from_le_bytes(length)).unwrap(), 0);
    from.read_exact(into).unwrap();
    true
}

//! Network namespaces, each held by a thread of its own.
//!
//! A network namespace belongs to a thread and is inherited by the threads and processes that it
//! starts: no names to collide, nothing to remove afterwards.

use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Pid, gettid};

type Task = Box<dyn FnOnce() + Send>;

/// A network namespace with `lo` up.
pub(crate) struct Namespace {
    thread: Pid,
    tasks: Option<Sender<Task>>,
    handle: Option<JoinHandle<()>>,
}

impl Namespace {
    /// A new namespace; `None`, and a word about it, where that is not possible.
    pub(crate) fn new() -> Option<Self> {
        let (tasks, queue) = channel::<Task>();
        let (tell, told) = channel();
        let handle = std::thread::spawn(move || {
            let ready =
                unshare(CloneFlags::CLONE_NEWNET).is_ok() && succeeds("ip", &["link", "set", "lo", "up"]);
            tell.send(ready.then(gettid)).unwrap();
            for task in queue {
                task();
            }
        });
        let thread = told.recv().unwrap();
        if thread.is_none() {
            skip("root, and the program ip");
        }
        Some(Self {
            thread: thread?,
            tasks: Some(tasks),
            handle: Some(handle),
        })
    }

    /// Runs `task` inside the namespace and returns what it returns.
    pub(crate) fn run<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        let task: Task = Box::new(move || tell.send(task()).unwrap());
        self.tasks.as_ref().unwrap().send(task).unwrap();
        told.recv().expect("the task panicked inside the namespace")
    }

    /// Runs a command inside the namespace; it has to succeed. Words are separated by spaces.
    #[track_caller]
    pub(crate) fn command(&self, line: &str) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let done = self.run(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            succeeds(words[0], &words[1..])
        });
        assert!(done, "{line}");
    }

    /// Lets everybody open datagram ICMP sockets, or nobody.
    pub(crate) fn allow_datagram(&self, allow: bool) {
        let range = if allow { "0 65534" } else { "1 0" };
        self.run(move || std::fs::write("/proc/sys/net/ipv4/ping_group_range", range))
            .unwrap();
    }

    /// A thread of this namespace, by which `ip link … netns` finds it.
    pub(crate) fn thread(&self) -> Pid {
        self.thread
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        self.tasks = None;
        let ended = self.handle.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// Says that a test cannot run; panics where it has to.
pub(crate) fn skip(needs: &str) {
    let required =
        std::env::var("IXPQOS_REQUIRE").is_ok_and(|words| words.split(',').any(|word| word == "netns"));
    assert!(!required, "needs {needs}, and IXPQOS_REQUIRE names netns");
    println!("skipped: needs {needs}");
}

/// Whether a program is there and ends well.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

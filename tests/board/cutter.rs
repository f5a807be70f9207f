//! A proxy before the board that cuts connections off.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Bytes of an answer that pass on every fifth connection before it is cut.
const SOME: usize = 150;

/// A proxy. It ends when dropped.
pub struct Cutter {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    open: Vec<TcpStream>,
    cuts: usize,
    rough: bool,
    ended: bool,
}

impl Cutter {
    /// A proxy before an address.
    pub fn before(to: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for (number, near) in listener.incoming().enumerate() {
                let near = near.unwrap();
                let far = TcpStream::connect(to).unwrap();
                let mut state = shared.lock().unwrap();
                if state.ended {
                    return;
                }
                let most = (state.rough && number % 5 == 0).then_some(SOME);
                state.open.push(near.try_clone().unwrap());
                drop(state);
                pump(near.try_clone().unwrap(), far.try_clone().unwrap(), None);
                pump(far, near, most);
            }
        });
        Self { address, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections off; how many they were.
    pub fn cut(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.rough = true;
        let open = std::mem::take(&mut state.open);
        let cut = open
            .iter()
            .filter(|stream| stream.shutdown(Shutdown::Both).is_ok());
        let cut = cut.count();
        state.cuts += cut;
        cut
    }

    /// Cuts nothing off any more; how many connections were.
    pub fn rest(&self) -> usize {
        let mut state = self.state.lock().unwrap();
        state.rough = false;
        state.cuts
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.cut();
        self.state.lock().unwrap().ended = true;
        // The listener waits for one more.
        let _ = TcpStream::connect(self.address);
    }
}

/// Passes bytes on until an end closes, or so many have passed.
fn pump(mut from: TcpStream, mut to: TcpStream, most: Option<usize>) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        let mut left = most.unwrap_or(usize::MAX);
        while let Ok(count) = from.read(&mut buffer) {
            let count = count.min(left);
            if count == 0 || to.write_all(&buffer[..count]).is_err() {
                break;
            }
            left -= count;
        }
        for stream in [from, to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
}

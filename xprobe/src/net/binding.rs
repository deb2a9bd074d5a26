//! Where packets leave: interface, VRF and source address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::str::FromStr;

use ippm::Family;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{SockaddrStorage, bind, setsockopt, sockopt};

/// What the packets of a round are tied to; by default the routing table decides about each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Binding {
    /// The interface, or the VRF, whose routing table then decides (`SO_BINDTODEVICE`).
    pub device: Option<DeviceName>,
    /// Source address of IPv4 packets.
    pub v4: Option<Ipv4Addr>,
    /// Source address of IPv6 packets.
    pub v6: Option<Ipv6Addr>,
}

impl Binding {
    /// Takes `origin` in as well.
    ///
    /// # Errors
    ///
    /// [`BindingError::Repeated`] if there is one of its sort already.
    pub fn add(&mut self, origin: Origin) -> Result<(), BindingError> {
        let is_repeated = match origin {
            Origin::Device(device) => self.device.replace(device).is_some(),
            Origin::Address(IpAddr::V4(address)) => self.v4.replace(address).is_some(),
            Origin::Address(IpAddr::V6(address)) => self.v6.replace(address).is_some(),
        };
        if is_repeated {
            Err(BindingError::Repeated)
        } else {
            Ok(())
        }
    }

    /// Ties a socket of `family`.
    pub(super) fn apply(&self, descriptor: &OwnedFd, family: Family) -> Result<(), Errno> {
        if let Some(device) = &self.device {
            setsockopt(descriptor, sockopt::BindToDevice, &device.0.clone().into())?;
        }
        let source = match family {
            Family::V4 => self.v4.map(IpAddr::V4),
            Family::V6 => self.v6.map(IpAddr::V6),
        };
        source.map_or(Ok(()), |address| {
            bind(
                descriptor.as_raw_fd(),
                &SockaddrStorage::from(SocketAddr::new(address, 0)),
            )
        })
    }
}

/// One thing that packets can be tied to, as `-I` names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// An interface or a VRF.
    Device(DeviceName),
    /// An address of this host.
    Address(IpAddr),
}

impl FromStr for Origin {
    type Err = BindingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(address) => Ok(Self::Address(address)),
            Err(_) => text.parse().map(Self::Device),
        }
    }
}

/// Name of a network interface.
///
/// Invariant: 1 to 15 bytes without white space, control character, `/` and `:`, as the kernel wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName(String);

impl DeviceName {
    /// Longest name: the kernel's field holds a zero byte more.
    pub const MAX_LEN: usize = libc::IFNAMSIZ - 1;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceName {
    type Err = BindingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = (1..=Self::MAX_LEN).contains(&text.len())
            && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | ':'));
        if is_name {
            Ok(Self(text.to_owned()))
        } else {
            Err(BindingError::Origin)
        }
    }
}

/// Why packets cannot be tied to what was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// Neither an address nor a name of an interface.
    #[error(
        "expected an IP address, or an interface name of 1 to {} bytes",
        DeviceName::MAX_LEN
    )]
    Origin,
    /// There can be one interface, one IPv4 address and one IPv6 address.
    #[error("at most one interface, one IPv4 address and one IPv6 address")]
    Repeated,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_address_and_anything_else_an_interface() {
        let address = |text: &str| Origin::Address(text.parse().unwrap());
        assert_eq!("192.0.2.1".parse(), Ok(address("192.0.2.1")));
        assert_eq!("2001:db8::1".parse(), Ok(address("2001:db8::1")));
        assert_eq!(
            "vlan100.20".parse(),
            Ok(Origin::Device(DeviceName("vlan100.20".to_owned())))
        );
        for wrong in ["", "a b", "a/b", "192.0.2.1:53", "sixteen-bytes-xx"] {
            assert_eq!(wrong.parse::<Origin>(), Err(BindingError::Origin), "{wrong}");
        }
    }

    #[test]
    fn each_sort_is_taken_once() {
        let mut binding = Binding::default();
        for text in ["vlan100", "192.0.2.1", "2001:db8::1"] {
            binding.add(text.parse().unwrap()).unwrap();
        }
        for text in ["vlan200", "192.0.2.2", "2001:db8::2"] {
            assert_eq!(binding.add(text.parse().unwrap()), Err(BindingError::Repeated));
        }
    }
}

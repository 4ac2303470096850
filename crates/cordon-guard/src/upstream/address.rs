//! Which addresses a service may use: the defence against server-side request forgery and DNS rebinding. The check is
//! made on the very address that is connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, as far as the policy cares. After the IANA special-purpose registries (RFC 6890).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Globally reachable.
    Public,
    /// Loopback, private, shared, link-local, unique-local, benchmarking, or a form that wraps another address.
    Private,
    /// Never a service: unspecified, multicast, broadcast, documentation, reserved, and the addresses at which clouds
    /// give credentials to anybody who asks.
    Never,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Private => "a private address",
            Self::Never => "an address that no service may have",
        })
    }
}

/// The addresses that a service may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Public ones alone.
    Public,
    /// Private ones too: the service says `private_network: true`.
    PrivateToo,
}

impl Reach {
    /// Whether an address of this class may be connected to.
    pub const fn allows(self, class: Class) -> bool {
        match class {
            Class::Public => true,
            Class::Private => matches!(self, Self::PrivateToo),
            Class::Never => false,
        }
    }
}

impl Class {
    /// The class of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

/// Instance metadata: 169.254.169.254 (most clouds), 169.254.170.2 and .23 (containers' credentials), 100.100.100.200,
/// 168.63.129.16 (a cloud's host agent).
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// fd00:ec2::254 and fd00:ec2::23.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)];

fn of_v4(address: Ipv4Addr) -> Class {
    if METADATA_V4.contains(&address) {
        return Class::Never;
    }
    match address.octets() {
        // 0/8 "this network" (Linux connects 0.0.0.0 to itself), 224/4 multicast, 240/4 reserved and broadcast.
        [0 | 224..=255, ..] => Class::Never,
        // Documentation (RFC 5737), 6to4 relays and their like (192.88.99/24).
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => Class::Never,
        // 10/8, 127/8, 169.254/16, 172.16/12, 192.168/16 (RFC 1918, RFC 3927), 100.64/10 (RFC 6598),
        // 192.0.0/24 (RFC 6890), 198.18/15 (RFC 2544).
        [10 | 127, ..]
        | [169, 254, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        | [100, 64..=127, ..]
        | [192, 0, 0, _]
        | [198, 18 | 19, ..] => Class::Private,
        _ => Class::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Class {
    if METADATA_V6.contains(&address) {
        return Class::Never;
    }
    match address.segments() {
        // IPv4-mapped ::ffff:0:0/96 and NAT64 64:ff9b::/96 (RFC 6052), 64:ff9b:1::/48 (RFC 8215), IPv4-compatible
        // ::/96 with loopback ::1 in it: a wrapped address is never better than private.
        [0, 0, 0, 0, 0, 0, 0, 0] => Class::Never,
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Private,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low] => wrapped(high, low),
        // 6to4 2002::/16 (RFC 3056) holds an IPv4 address in its second and third group.
        [0x2002, high, low, ..] => wrapped(high, low),
        // ff00::/8 multicast, documentation 2001:db8::/32 and 3fff::/20, discard-only 100::/64.
        [0xff00..=0xffff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x100, 0, 0, 0, ..] => {
            Class::Never
        }
        // fc00::/7 unique local, fe80::/10 link-local, fec0::/10 site-local, 2001::/23 Teredo and other protocols.
        [0xfc00..=0xfdff | 0xfe80..=0xfeff, ..] | [0x2001, 0..=0x1ff, ..] => Class::Private,
        // Only 2000::/3 is allocated for global unicast (RFC 4291).
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Never,
    }
}

fn wrapped(high: u16, low: u16) -> Class {
    match of_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))) {
        Class::Never => Class::Never,
        Class::Private | Class::Public => Class::Private,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_the_registries() {
        let cases = [
            (
                Class::Public,
                "8.8.8.8 1.1.1.1 172.15.0.1 172.32.0.1 100.128.0.1 192.167.1.1 223.255.255.1 2606:4700::1111",
            ),
            (
                Class::Private,
                "127.0.0.1 127.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.1.1 100.64.0.1 \
                 100.127.255.255 198.18.0.1 192.0.0.1 ::1 fc00::1 fd12::1 fe80::1 febf::1 fec0::1 2001::1 \
                 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::10.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::7f00:1 2002:7f00:1:: \
                 2002:808:808::1 ::7f00:1 ::ffff:0:7f00:1",
            ),
            (
                Class::Never,
                "0.0.0.0 0.1.2.3 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 169.254.169.254 169.254.170.2 \
                 100.100.100.200 168.63.129.16 192.0.2.1 203.0.113.9 :: ff02::1 ff0e::1 fd00:ec2::254 2001:db8::1 \
                 3fff:0:1::1 100::1 4000::1 ::ffff:169.254.169.254 64:ff9b::169.254.169.254 2002:a9fe:a9fe:: \
                 ::ffff:0.0.0.0",
            ),
        ];
        for (class, addresses) in cases {
            for address in addresses.split_whitespace() {
                assert_eq!(Class::of(address.parse().unwrap()), class, "{address}");
            }
        }
    }

    #[test]
    fn no_service_reaches_metadata() {
        assert!(Reach::Public.allows(Class::Public) && Reach::PrivateToo.allows(Class::Public));
        assert!(!Reach::Public.allows(Class::Private) && Reach::PrivateToo.allows(Class::Private));
        assert!(!Reach::Public.allows(Class::Never) && !Reach::PrivateToo.allows(Class::Never));
    }
}

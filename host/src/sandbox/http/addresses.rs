//! Which addresses a name may lead to: those of the public internet. All others belong to this machine, to the
//! network that it stands in, or to nobody, and a handler reaches them only where the operator names the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

/// What is not public of IPv4: the special-purpose registry of IANA (RFC 6890 and what followed), and the addresses at
/// which clouds tell a machine its credentials. The first that fits is told.
const NOT_PUBLIC_V4: &[(Ipv4Net, &str)] = &[
    (v4(169, 254, 169, 254, 32), "the metadata service of a cloud"),
    (v4(169, 254, 170, 2, 32), "the metadata service of a cloud"),
    (v4(168, 63, 129, 16, 32), "the metadata service of a cloud"),
    (v4(100, 100, 100, 200, 32), "the metadata service of a cloud"),
    (v4(192, 0, 0, 192, 32), "the metadata service of a cloud"),
    (v4(0, 0, 0, 0, 8), "this machine (unspecified)"),
    (v4(127, 0, 0, 0, 8), "this machine (loopback)"),
    (v4(10, 0, 0, 0, 8), "a private network"),
    (v4(172, 16, 0, 0, 12), "a private network"),
    (v4(192, 168, 0, 0, 16), "a private network"),
    (v4(100, 64, 0, 0, 10), "a provider's own network (carrier-grade NAT)"),
    (v4(169, 254, 0, 0, 16), "this link"),
    (v4(192, 0, 0, 0, 24), "special purposes"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 88, 99, 0, 24), "relays of 6to4"),
    (v4(198, 18, 0, 0, 15), "benchmarks"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "many receivers (multicast)"),
    (v4(240, 0, 0, 0, 4), "nobody (reserved)"),
];

/// What is not public of IPv6 although it is in [`PUBLIC_V6`], or needs a reason of its own. Addresses of 6to4 and
/// Teredo hold one of IPv4, which would have to be judged too; nobody serves there any more, so all are refused.
const NOT_PUBLIC_V6: &[(Ipv6Net, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "this machine (unspecified)"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "this machine (loopback)"),
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128), "the metadata service of a cloud"),
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128), "the metadata service of a cloud"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "a private network (unique local)"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "this link"),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "a private network (site-local)"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "many receivers (multicast)"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "a tunnel (Teredo)"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "special purposes"),
    (v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation"),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "a tunnel (6to4)"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation"),
];

/// The part of IPv6 from which public addresses are given out. What is outside is refused, known or not.
const PUBLIC_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Where networks without IPv4 reach it: an address of IPv4 is in the last 32 bits (RFC 6052).
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// To whom an address belongs, in the words of messages, if it is not a public one.
pub(super) fn not_public(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => first(NOT_PUBLIC_V4, |net| net.contains(&address)),
        IpAddr::V6(address) if NAT64.contains(&address) => not_public(embedded(address).into()),
        IpAddr::V6(address) => first(NOT_PUBLIC_V6, |net| net.contains(&address))
            .or_else(|| (!PUBLIC_V6.contains(&address)).then_some("nobody (reserved)")),
    }
}

fn first<N>(nets: &[(N, &'static str)], holds: impl Fn(&N) -> bool) -> Option<&'static str> {
    nets.iter().find(|(net, _)| holds(net)).map(|(_, whose)| *whose)
}

fn embedded(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        for (address, public) in [
            ("1.1.1.1", true),
            ("9.255.255.255", true),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("126.255.255.255", true),
            ("128.0.0.0", true),
            ("169.253.255.255", true),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("192.167.255.255", true),
            ("192.169.0.0", true),
            ("198.20.0.0", true),
            ("223.255.255.255", true),
            ("2606:4700:4700::1111", true),
            ("2a00::1", true),
            ("64:ff9b::101:101", true),
            ("::ffff:1.1.1.1", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.0", false),
            ("10.255.255.255", false),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.100.100.200", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("168.63.129.16", false),
            ("169.254.0.1", false),
            ("169.254.169.254", false),
            ("172.16.0.0", false),
            ("172.31.255.255", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:0:127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("64:ff9b::a00:1", false),
            ("64:ff9b:1::101:101", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", false),
            ("2001:2::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::1", false),
            ("2002:101:101::1", false),
            ("3fff::1", false),
            ("4000::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fdff:ffff::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            let judged = not_public(address.parse().expect("an address"));
            assert_eq!(judged.is_none(), public, "{address}: {judged:?}");
        }
    }

    #[test]
    fn whose_an_address_is_is_told() {
        for (address, whose) in [
            ("169.254.169.254", "the metadata service of a cloud"),
            ("::ffff:169.254.169.254", "the metadata service of a cloud"),
            ("fd00:ec2::254", "the metadata service of a cloud"),
            ("127.0.0.1", "this machine (loopback)"),
            ("10.1.2.3", "a private network"),
            ("64:ff9b::a01:203", "a private network"),
            ("fe80::1", "this link"),
        ] {
            assert_eq!(not_public(address.parse().expect("an address")), Some(whose), "{address}");
        }
    }
}

//! From which address a request comes: the peer's, unless the peer is a proxy that is trusted to tell whom it speaks for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use actix_web::http::header::{self, HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Bits of an IPv6 address that tell one customer from another: each has at least a network of this size to choose addresses from.
const IPV6_CUSTOMER_BITS: u32 = 64;

const LOOPBACK_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::LOCALHOST, 8);

/// Networks in CIDR notation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// This machine itself.
    pub fn loopback() -> Self {
        Self(vec![IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST)), IpNet::V4(LOOPBACK_V4)])
    }

    /// Whether an address is in one of them.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Networks {
    type Err = String;

    /// Reads `10.0.0.0/8,2001:db8::/32`, single addresses, or `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        let read = |text: &str| {
            let network = IpNet::from_str(text).or_else(|_| IpAddr::from_str(text).map(IpNet::from));
            network.map_err(|_| format!("`{text}` is no network; write 10.0.0.0/8, 2001:db8::/32, an address or none"))
        };
        if text.trim() == "none" {
            return Ok(Self::default());
        }
        text.split(',').map(str::trim).map(read).collect::<Result<_, _>>().map(Self)
    }
}

impl std::fmt::Display for Networks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(if texts.is_empty() { "none".to_owned() } else { texts.join(",") }.as_str())
    }
}

/// Whose requests are counted together: an IPv4 address, or the network an IPv6 customer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Neighbourhood(IpAddr);

impl Neighbourhood {
    /// The one an address is in.
    pub fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let network = u128::MAX << (128 - IPV6_CUSTOMER_BITS);
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & network))
            }
        })
    }
}

/// The address a request comes from. The headers are read only when the peer is trusted: of the addresses they tell, the last that is not
/// itself trusted, since everything before it may have been made up by the client.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let peer = peer.to_canonical();
    if !trusted.contain(peer) {
        return peer;
    }
    let forwarded = told_by(headers, &header::FORWARDED, |text| {
        text.split(';').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then_some(value)
        })
    });
    let x_forwarded_for = told_by(headers, &X_FORWARDED_FOR, |text| Some(text));
    match (forwarded.last_stranger(peer, trusted), x_forwarded_for.last_stranger(peer, trusted)) {
        // A proxy writes one of the two and hands on the other as it came; when they differ, nobody knows which is which.
        (Some(one), Some(other)) if one != other => peer,
        (Some(address), _) | (None, Some(address)) => address,
        (None, None) => peer,
    }
}

/// Whether somebody speaks for another, whom the headers name or not.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(header::FORWARDED) || headers.contains_key(X_FORWARDED_FOR)
}

/// The addresses a header tells, first to last; `None` is something else than an address.
struct Told(Vec<Option<IpAddr>>);

fn told_by(headers: &HeaderMap, name: &HeaderName, address: impl Fn(&str) -> Option<&str>) -> Told {
    let texts = headers.get_all(name).filter_map(|value| value.to_str().ok());
    Told(texts.flat_map(|text| text.split(',')).map(|text| address(text.trim()).and_then(read_address)).collect())
}

impl Told {
    fn last_stranger(&self, peer: IpAddr, trusted: &Networks) -> Option<IpAddr> {
        let mut nearest = peer;
        for told in self.0.iter().rev() {
            match told {
                Some(address) if trusted.contain(*address) => nearest = *address,
                Some(address) => return Some(*address),
                // `unknown`, or a name the proxy gives: all that is known is which proxy it was.
                None => return Some(nearest),
            }
        }
        (!self.0.is_empty()).then_some(nearest)
    }
}

/// Reads `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`, quoted or not.
fn read_address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    IpAddr::from_str(bare).ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn from(peer: &str, told: &[(&HeaderName, &str)]) -> IpAddr {
        let trusted: Networks = "10.0.0.0/8, ::1".parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in told {
            headers.append((*name).clone(), HeaderValue::from_str(value).unwrap());
        }
        client_address(ip(peer), &headers, &trusted)
    }

    #[test]
    fn what_a_stranger_tells_of_himself_is_not_read() {
        assert_eq!(from("203.0.113.9", &[(&X_FORWARDED_FOR, "198.51.100.1")]), ip("203.0.113.9"));
        assert_eq!(from("::ffff:203.0.113.9", &[(&header::FORWARDED, "for=198.51.100.1")]), ip("203.0.113.9"));
    }

    #[test]
    fn of_what_proxies_tell_the_last_that_is_no_proxy_counts() {
        let tell = |told: &[(&HeaderName, &str)]| from("10.1.1.1", told);
        assert_eq!(tell(&[]), ip("10.1.1.1"));
        assert_eq!(tell(&[(&X_FORWARDED_FOR, "1.1.1.1, 198.51.100.1, 10.0.0.2")]), ip("198.51.100.1"));
        let twice = [(&X_FORWARDED_FOR, "1.1.1.1"), (&X_FORWARDED_FOR, "198.51.100.1:4711")];
        assert_eq!(tell(&twice), ip("198.51.100.1"));
        let forwarded = "for=1.1.1.1, For=\"[2001:db8::7]:80\";proto=https;by=x, for=10.0.0.2";
        assert_eq!(tell(&[(&header::FORWARDED, forwarded)]), ip("2001:db8::7"));
        assert_eq!(tell(&[(&X_FORWARDED_FOR, "1.1.1.1, unknown, 10.0.0.2")]), ip("10.0.0.2"));
        assert_eq!(tell(&[(&X_FORWARDED_FOR, "10.0.0.3, 10.0.0.2")]), ip("10.0.0.3"));
    }

    #[test]
    fn a_header_the_proxy_merely_hands_on_does_not_help_to_pretend() {
        let both = [(&header::FORWARDED, "for=1.1.1.1"), (&X_FORWARDED_FOR, "198.51.100.1")];
        assert_eq!(from("10.1.1.1", &both), ip("10.1.1.1"));
        let same = [(&header::FORWARDED, "for=198.51.100.1"), (&X_FORWARDED_FOR, "198.51.100.1")];
        assert_eq!(from("10.1.1.1", &same), ip("198.51.100.1"));
    }

    #[test]
    fn addresses_of_one_ipv6_customer_are_one() {
        assert_eq!(Neighbourhood::of(ip("2001:db8:1:2::1")), Neighbourhood::of(ip("2001:db8:1:2:ffff::")));
        assert_ne!(Neighbourhood::of(ip("2001:db8:1:2::1")), Neighbourhood::of(ip("2001:db8:1:3::1")));
        assert_ne!(Neighbourhood::of(ip("192.0.2.1")), Neighbourhood::of(ip("192.0.2.2")));
    }

    #[test]
    fn networks_are_read_and_written_alike() {
        for text in ["none", "10.0.0.0/8,2001:db8::/32", "192.0.2.1/32"] {
            assert_eq!(text.parse::<Networks>().unwrap().to_string(), text);
        }
        assert!("10.0.0.0/33".parse::<Networks>().is_err() && "".parse::<Networks>().is_err());
    }

    proptest! {
        #[test]
        fn nothing_that_is_told_makes_it_panic(told in r#"[0-9a-f.:,;="\[\] for]{0,60}"#) {
            from("10.1.1.1", &[(&X_FORWARDED_FOR, &told), (&header::FORWARDED, &told)]);
        }
    }
}

//! Floating-point numbers as text.

/// `value` in the shortest digits that give it back, without exponent and without `.0`; negative zero is `0`.
///
/// `None` for NaN and the infinities: no store holds what was not measured.
///
/// ```
/// use ippm::codec::float;
/// assert_eq!(float::encode(1e-6).as_deref(), Some("0.000001"));
/// assert_eq!(float::encode(-0.0).as_deref(), Some("0"));
/// assert_eq!(float::encode(f64::NAN), None);
/// ```
#[must_use]
pub fn encode(value: f64) -> Option<String> {
    // Adding positive zero takes the sign from a negative one and changes nothing else.
    value.is_finite().then(|| format!("{}", value + 0.0))
}

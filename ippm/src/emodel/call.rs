//! The telephone call that a test with a traffic profile stands for, with everything that is assumed of it.

use std::time::Duration;

use super::{BurstRatio, Codec, VoicePath};
use crate::LossRatio;
use crate::schedule::profile::Profile;

/// A G.711 call whose packets go at the pace of a profile.
///
/// Assumed, because no packet says it: the codec is G.711 with the concealment of its Appendix I (Ie 0, Bpl 25.1);
/// one packet holds the speech between two packets of the profile, if that is 10 to 60 ms as in telephony, else
/// 20 ms; the receiver buffers two packets. [`VoicePath`] adds that one way takes half of the round trip and loses
/// what the round trip loses. So for `video` and `bulk` it is not what those services are worth, which the E-model
/// does not rate, but what a call would be worth that met the same delay and loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Call {
    codec: Codec,
    jitter_buffer: Duration,
}

impl Call {
    /// Shortest and longest speech in one packet that telephony uses.
    const PACKET: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(60));
    /// Speech in one packet where the profile does not go at the pace of a call (RFC 3551 §4.2).
    const USUAL_PACKET: Duration = Duration::from_millis(20);
    /// Packets that the receiver buffers.
    const BUFFERED: u32 = 2;

    /// The call that goes at the pace of `profile`; at the usual one without a profile.
    #[must_use]
    pub fn at_pace_of(profile: Option<&Profile>) -> Self {
        let pace = profile.map(|profile| Duration::from_nanos(1_000_000_000 / profile.pps().max(1)));
        let (shortest, longest) = Self::PACKET;
        let packet = pace
            .filter(|pace| (shortest..=longest).contains(pace))
            .unwrap_or(Self::USUAL_PACKET);
        Self {
            codec: Codec {
                delay: packet,
                ..Codec::G711_CONCEALED
            },
            jitter_buffer: packet * Self::BUFFERED,
        }
    }

    /// The call over a path with this round trip and this loss, of which R factor and MOS follow.
    #[must_use]
    pub fn over(self, rtt: Duration, loss: LossRatio, burst: BurstRatio) -> VoicePath {
        VoicePath {
            rtt,
            jitter_buffer: self.jitter_buffer,
            loss,
            burst,
            codec: self.codec,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emodel::Mos;

    #[test]
    fn a_voice_profile_is_a_call_in_packets_of_its_own_pace() {
        let built_in = Profile::built_in();
        let of = |name: &str| Call::at_pace_of(built_in.get(&name.parse().unwrap()));
        let voice = of("voip-g711");
        assert_eq!(voice.codec.delay, Duration::from_millis(20));
        assert_eq!(voice.jitter_buffer, Duration::from_millis(40));
        // 150 packets/s are not the pace of a call, and neither are 100/s too fast: 10 ms is the shortest packet.
        assert_eq!(of("video"), Call::at_pace_of(None));
        assert_eq!(of("bulk").codec.delay, Duration::from_millis(10));
        let slow = Profile::new(Some(1), Some(218), None, 0).unwrap();
        assert_eq!(Call::at_pace_of(Some(&slow)), Call::at_pace_of(None));
    }

    #[test]
    fn the_rating_follows_from_delay_and_loss_as_g_107_says() {
        let voice = Call::at_pace_of(None);
        let clean = LossRatio::of(0, 1000).unwrap();
        let path = voice.over(Duration::from_millis(10), clean, BurstRatio::RANDOM);
        // 5 + 40 + 20 ms are below the 100 ms that cost nothing: R 93.2, MOS 1 + 3.262 + 7e-6·93.2·33.2·6.8 = 4.41.
        assert!((path.rating().get() - 93.2).abs() < 1e-9);
        assert!((Mos::from(path.rating()).get() - 4.409).abs() < 1e-3);
        let lossy = LossRatio::of(10, 1000).unwrap();
        let path = voice.over(Duration::from_millis(10), lossy, BurstRatio::RANDOM);
        // Ie,eff = 95·1/(1 + 25.1) = 3.6398.
        assert!((path.rating().get() - (93.2 - 3.639_847)).abs() < 1e-6);
    }
}

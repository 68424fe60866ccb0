"""Peers, measures and rates of benchmarks/sound.py: what libsndfile writes, how far it is off, and at what cost."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import correlate, resample_poly, stft

Floats = npt.NDArray[np.float64]

FORMATS = {"MP3": ("MP3", "MPEG_LAYER_III"), "Vorbis": ("OGG", "VORBIS"), "Opus": ("OGG", "OPUS")}
OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
WINDOWS = (256, 512, 1024, 2048)


def coded(samples: Floats, rate: int, name: str, level: float) -> tuple[int, Floats]:
    """Write samples (n, channels) as a peer does at a compression level 0..1; give the bytes and what is read back.

    Opus takes five rates: other sounds are resampled to the next and back, which costs it a little. MP3 is let choose
    its rate of bits, as Vorbis and Opus are. What comes back is moved to where it fits best, which libsndfile does not.
    """
    kind, subtype = FORMATS[name]
    used = rate if name != "Opus" else next(each for each in OPUS_RATES if each >= rate)
    shape = np.gcd(used, rate)
    sent = samples if used == rate else resample_poly(samples, used // shape, rate // shape)
    file = io.BytesIO()
    options = {"bitrate_mode": "VARIABLE"} if name == "MP3" else {}
    with soundfile.SoundFile(
        file, "w", used, samples.shape[1], subtype, format=kind, compression_level=level, **options
    ) as out:
        out.write(sent)
    held = file.getvalue()
    back, _ = soundfile.read(io.BytesIO(held), always_2d=True)
    if used != rate:
        back = resample_poly(back, rate // shape, used // shape)
    return len(held), aligned(back, samples)


def aligned(back: Floats, samples: Floats, reach: int = 4000) -> Floats:
    """Move what was read back (n, channels) by the whole samples that make it fit best, and to the same length."""
    found = np.zeros_like(samples)
    fits = correlate(back.sum(1), samples.sum(1), "full", "fft")
    middle = len(samples) - 1
    near = fits[max(0, middle - reach) : middle + reach + 1]
    late = int(np.argmax(near)) - min(reach, middle)
    part = back[max(late, 0) :][: len(samples) - max(-late, 0)]
    found[max(-late, 0) : max(-late, 0) + len(part)] = part
    return found


def si_sdr(samples: Floats, back: Floats) -> float:
    """Decibels of scale-invariant signal to distortion (Le Roux et al. 2019, "SDR: half-baked or well done?")."""
    a, b = samples.ravel(), back.ravel()
    fitted = (a @ b) / max(a @ a, 1e-12) * a
    return float(10 * np.log10((fitted @ fitted) / max((b - fitted) @ (b - fitted), 1e-12)))


def a_weight(hertz: Floats) -> Floats:
    """Gain of the A curve (IEC 61672-1), 1 at 1 kHz."""
    f = np.square(np.maximum(hertz, 1.0))
    shape = 12194.0**2 * f**2 / ((f + 20.6**2) * np.sqrt((f + 107.7**2) * (f + 737.9**2)) * (f + 12194.0**2))
    return np.asarray(shape * 1.2589)


def spectral_distance(samples: Floats, back: Floats, rate: int) -> float:
    """Decibels between spectra, weighted by the A curve, over four lengths of window.

    Root mean square over bins of the difference of levels, bins weighted by the A curve, mean over frames and windows;
    levels 60 dB and more below the loudest frame's are taken to be there.
    """
    found = []
    for size in WINDOWS:
        for channel in range(samples.shape[1]):
            hertz, _, one = stft(samples[:, channel], rate, nperseg=size)
            _, _, two = stft(back[:, channel], rate, nperseg=size)
            weight = a_weight(hertz)[:, None]
            power = [np.square(np.abs(each) * weight) for each in (one, two)]
            floor = 1e-6 * power[0].mean(0).max() + 1e-20
            gap = 10 * np.log10((power[0] + floor) / (power[1] + floor))
            found.append(np.sqrt((gap**2 * weight).sum(0) / weight.sum()).mean())
    return float(np.mean(found))

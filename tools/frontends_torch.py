"""The front ends of src/dsp written a second time, with torch and torchaudio, from the publications that define them.

Used by golden_dsp.py (writes golden files) and check_frontends.py (compares on recordings). Every function takes a 1-d
float tensor at the front end's own rate and computes in the tensor's own precision: float64 for a reference, float32 to
see what torch itself would give.
"""
import math

import torch
import torchaudio

RATE_HZ = {"panns-32k": 32000, "panns-16k": 16000, "ecapa": 16000, "ecapa-encoder": 16000, "yamnet": 16000, "mn": 32000, "hybrid": 16000}
MFCC = 20


def power_spectrum(x, n_fft, hop, window, pad_mode="reflect"):
    """|STFT|^2, (frames, bins), centred."""
    spectrum = torch.stft(x, n_fft, hop, win_length=len(window), window=window, center=True, pad_mode=pad_mode,
                          return_complex=True)
    return spectrum.abs().pow(2).T


def decibels(power):
    return 10.0 * torch.log10(torch.clamp(power, min=1e-10))


def slaney_bank(n_fft, low, high, bands, rate, dtype):
    """librosa.filters.mel's default bank, by torchaudio; (bins, bands)."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    bank = torchaudio.functional.melscale_fbanks(n_fft // 2 + 1, low, high, bands, rate, norm="slaney",
                                                 mel_scale="slaney")
    torch.set_default_dtype(previous)
    return bank.to(dtype)


def mel_of(hz):
    return 1127.0 * math.log1p(hz / 700.0)


def mel_triangles(frequencies, low, high, bands):
    """Triangles with straight slopes in mel (Kaldi, TensorFlow); (bins, bands)."""
    mels = torch.tensor([mel_of(f) for f in frequencies], dtype=torch.float64)
    edges = torch.linspace(mel_of(low), mel_of(high), bands + 2, dtype=torch.float64)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    up = (mels[:, None] - left) / (centre - left)
    down = (right - mels[:, None]) / (right - centre)
    return torch.clamp(torch.minimum(up, down), min=0.0)


def panns(x, rate):
    n_fft, hop, high = (1024, 320, 14000.0) if rate == 32000 else (512, 160, 8000.0)
    power = power_spectrum(x, n_fft, hop, torch.hann_window(n_fft, dtype=x.dtype))
    mel = power @ slaney_bank(n_fft, 50.0, high, 64, rate, x.dtype)
    return power, mel, decibels(mel)


def ecapa(x):
    """SpeechBrain: STFT with zero padding, Filterbank (triangular, both slopes as wide as the lower), top_db, mean."""
    power = power_spectrum(x, 400, 160, torch.hamming_window(400, dtype=x.dtype), pad_mode="constant")
    to_mel = lambda hz: 2595.0 * math.log10(1.0 + hz / 700.0)
    mels = torch.linspace(to_mel(0.0), to_mel(8000.0), 82, dtype=torch.float64)
    hz = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    band = (hz[1:] - hz[:-1])[:-1]
    centre = hz[1:-1]
    slope = (torch.linspace(0.0, 8000.0, 201, dtype=torch.float64)[:, None] - centre) / band
    bank = torch.clamp(torch.minimum(slope + 1.0, 1.0 - slope), min=0.0)
    mel = power @ bank.to(x.dtype)
    db = decibels(mel)
    floored = torch.maximum(db, db.max() - 80.0)
    return power, mel, floored - floored.mean(dim=0), db


def ecapa_encoder(x):
    """torchaudio's MelSpectrogram (HTK, no norm) after pre-emphasis, ln, and each band's mean removed. The reference
    mirrors one sample before the first; here pre-emphasis starts with the second sample."""
    emphasis = torch.tensor([[[-0.97, 1.0]]], dtype=x.dtype)
    y = torch.nn.functional.conv1d(x[None, None, :], emphasis)[0, 0]
    power = power_spectrum(y, 512, 160, torch.hamming_window(400, dtype=x.dtype))
    previous = torch.get_default_dtype()
    torch.set_default_dtype(x.dtype)
    bank = torchaudio.functional.melscale_fbanks(257, 20.0, 7600.0, 80, 16000, norm=None, mel_scale="htk")
    torch.set_default_dtype(previous)
    mel = power @ bank.to(x.dtype)
    log = torch.log(mel + 1e-6)
    return power, mel, log - log.mean(dim=0), log


def yamnet(x):
    frames = x.unfold(0, 400, 160) * torch.hann_window(400, dtype=x.dtype)
    magnitude = torch.fft.rfft(frames, n=512).abs()
    bank = mel_triangles([16000.0 * k / 512.0 for k in range(257)], 125.0, 7500.0, 64)
    mel = magnitude @ bank.to(x.dtype)
    return magnitude, mel, torch.log(mel + 0.001)


def mn(x):
    """EfficientAT's AugmentMelSTFT in evaluation."""
    emphasis = torch.tensor([[[-0.97, 1.0]]], dtype=x.dtype)
    y = torch.nn.functional.conv1d(x[None, None, :], emphasis)[0, 0]
    power = power_spectrum(y, 1024, 320, torch.hann_window(800, periodic=False, dtype=x.dtype))
    if x.dtype == torch.float32:
        bank, _ = torchaudio.compliance.kaldi.get_mel_banks(128, 1024, 32000.0, 0.0, 15000.0, 100.0, -500.0, 1.0)
        bank = torch.nn.functional.pad(bank, (0, 1)).T
    else:
        bank = mel_triangles([32000.0 * k / 1024.0 for k in range(513)], 0.0, 15000.0, 128)
    mel = power @ bank.to(x.dtype)
    return power, mel, (torch.log(mel + 0.00001) + 4.5) / 5.0


def hybrid(x):
    power = power_spectrum(x, 512, 160, torch.hann_window(512, periodic=False, dtype=x.dtype))
    mel = power @ slaney_bank(512, 50.0, 8000.0, 64, 16000, x.dtype)
    return power, mel, decibels(mel)


def dct(logmel):
    table = torchaudio.functional.create_dct(MFCC, logmel.shape[1], norm="ortho")
    if logmel.dtype == torch.float64:
        bands = logmel.shape[1]
        n = torch.arange(bands, dtype=torch.float64)
        k = torch.arange(MFCC, dtype=torch.float64)
        table = torch.cos(math.pi / bands * (n[:, None] + 0.5) * k) * math.sqrt(2.0 / bands)
        table[:, 0] /= math.sqrt(2.0)
    return logmel @ table


def features(name, kind, x):
    """(frames, bands) as mewl_frontend_run gives it for that front end and kind."""
    if name in ("panns-32k", "panns-16k"):
        spectrum, mel, log = panns(x, RATE_HZ[name])
        stream_log = log
    elif name in ("ecapa", "ecapa-encoder"):
        spectrum, mel, log, stream_log = ecapa(x) if name == "ecapa" else ecapa_encoder(x)
    else:
        spectrum, mel, log = {"yamnet": yamnet, "mn": mn, "hybrid": hybrid}[name](x)
        stream_log = log
    if kind == "spectrogram":
        return spectrum
    if kind == "mel":
        return mel
    if kind == "logmel":
        return log
    cepstra = dct(stream_log)
    if kind == "mfcc":
        return cepstra
    power = spectrum * spectrum if name == "yamnet" else spectrum
    return torch.cat([decibels(power), stream_log, cepstra], dim=1)


def to_db(name, kind, values):
    """Those features whose error is stated in dB, as dB of power; (frames, bands)."""
    if kind == "logmel":
        if name == "yamnet":
            return values * (20.0 / math.log(10.0))
        if name == "ecapa-encoder":
            return values * (10.0 / math.log(10.0))
        if name == "mn":
            return (values * 5.0 - 4.5) * (10.0 / math.log(10.0))
        return values
    if kind in ("mel", "spectrogram"):
        scale = 20.0 if name == "yamnet" else 10.0
        return scale * torch.log10(torch.clamp(values, min=1e-30))
    raise ValueError(kind)

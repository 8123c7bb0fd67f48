/* device.h - private to the synth room: what a microphone and the room around it do, fixed by the device's number. */
#ifndef MEWL_SYNTH_DEVICE_H
#define MEWL_SYNTH_DEVICE_H

typedef struct mewl__synth_device {
    double gain_db;   /* of everything it records */
    double cutoff_hz; /* nothing above */
    double rumble_hz; /* first-order high-pass */
    double reverb_s;  /* time in which the room's sound falls by 60 dB */
    double wet_db;    /* of the room's sound, against the direct one */
    double noise_db;  /* of its own noise, against the usual device's */
    double formant;   /* factor that its response seems to shift formants by, when measured */
} mewl__synth_device;

mewl__synth_device mewl__synth_device_of(int number);

#endif

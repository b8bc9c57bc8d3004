/* machine.h - on which machine this runs.
 * Runs in: gate, hub.  Blocks: never. */
#ifndef EARSHOT_MACHINE_H
#define EARSHOT_MACHINE_H

#define MACHINE_TEXT 64

/* This start of this machine, which shares clock_mono_us() with no other: a UUID, or something
 * random where the system does not tell it. */
void machine_boot(char out[MACHINE_TEXT]);

/* Its name, for people. */
void machine_name(char out[MACHINE_TEXT]);

#endif

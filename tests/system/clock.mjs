// clock.mjs - a clock for a program that a test puts ahead of the others'.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { run } from './harness.mjs';

// What has it preloaded is as many seconds ahead as the file TEST_CLOCK says, which it maps: the time of day alone; what
// counts seconds does not jump. Not libfaketime, under which a Redis with jemalloc never starts.
const CLOCK = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static const volatile int *ahead;
__attribute__((constructor)) static void map(void)
{
    int fd = open(getenv("TEST_CLOCK"), O_RDONLY | O_CLOEXEC);
    ahead = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
}
int clock_gettime(clockid_t id, struct timespec *out)
{
    int rc = (int)syscall(SYS_clock_gettime, id, out);
    if (rc == 0 && ahead != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        out->tv_sec += *ahead;
    return rc;
}
int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}
time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL)
        *out = now.tv_sec;
    return now.tv_sec;
}
`;

/** Of a program started with this environment, set(seconds) puts the clock ahead. */
export async function clockOf(dir, usual) {
  const file = `${dir}/clock`;
  const set = (seconds) => { const four = Buffer.alloc(4); four.writeInt32LE(seconds); fs.writeFileSync(file, four, { flag: fs.existsSync(file) ? 'r+' : 'w' }); };
  set(0);
  fs.writeFileSync(`${file}.c`, CLOCK);
  const { code, stderr } = await run('cc', ['-shared', '-fPIC', '-Wall', '-o', `${file}.so`, `${file}.c`]);
  assert.equal(code, 0, stderr.toString());
  return { set, env: { ...usual, LD_PRELOAD: `${file}.so`, TEST_CLOCK: file, ASAN_OPTIONS: `${usual.ASAN_OPTIONS ?? ''}:verify_asan_link_order=0` } };
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A seeded generator: xoshiro256** (Blackman, Vigna), seeded by splitmix64, so that every seed, 0
 * included, is one of its own. The same seed gives the same numbers on every machine.
 */
#ifndef TICKLINE_GATEWAY_SOURCES_RANDOM_H
#define TICKLINE_GATEWAY_SOURCES_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_bits(struct random *random);
double random_unit(struct random *random); /* [0, 1), 53 bits */

/* Standard normal, by GSL's ziggurat (Marsaglia and Tsang 2000) on this generator. */
double random_gaussian(struct random *random);

/* Every integer from low to high is equally likely. */
int64_t random_integer(struct random *random, int64_t low, int64_t high);

/* A seed from the operating system, below 2^53, so that JSON tells it exactly. */
uint64_t random_fresh_seed(void);

#endif

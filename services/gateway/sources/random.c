/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "random.h"

#include <assert.h>
#include <sys/random.h>

#include <gsl/gsl_randist.h>

#include "timestamp.h"

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

void random_seed(struct random *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->state[i] = splitmix(&seed);
}

uint64_t random_bits(struct random *r)
{
	uint64_t *s = r->state, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

double random_unit(struct random *r)
{
	return (double)(random_bits(r) >> 11) * 0x1p-53;
}

static unsigned long gsl_bits(void *state)
{
	return (unsigned long)(random_bits(state) >> 32);
}

static double gsl_unit(void *state)
{
	return random_unit(state);
}

double random_gaussian(struct random *r)
{
	static const gsl_rng_type type = { .name = "xoshiro256**",
					   .max = UINT32_MAX,
					   .size = sizeof(struct random),
					   .get = gsl_bits,
					   .get_double = gsl_unit };
	const gsl_rng generator = { .type = &type, .state = r };
	return gsl_ran_gaussian_ziggurat(&generator, 1);
}

int64_t random_integer(struct random *r, int64_t low, int64_t high)
{
	assert(low <= high);
	uint64_t count = (uint64_t)high - (uint64_t)low + 1; /* 0: all of 64 bits */
	uint64_t uneven = count ? -count % count : 0, bits;
	do /* what is left over at the low end would make some values likelier */
		bits = random_bits(r);
	while (bits < uneven);
	return (int64_t)((uint64_t)low + (count ? bits % count : bits));
}

uint64_t random_fresh_seed(void)
{
	uint64_t seed = 0;
	if (getrandom(&seed, sizeof(seed), 0) != (int)sizeof(seed))
		seed = (uint64_t)wall_now_us();
	return seed >> 11;
}

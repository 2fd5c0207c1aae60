/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TICKLINE_MODEL_TRAINING_BESIDE_H
#define TICKLINE_MODEL_TRAINING_BESIDE_H

#include <pthread.h>
#include <stdbool.h>

struct run;

/* A step of a run in a thread of its own; without one it is done at once. The struct stays where it
 * is until the end. */
struct training_beside {
	struct run *run;
	void (*step)(struct run *run);
	pthread_t thread;
	bool runs;
};
void training_beside_begin(struct training_beside *beside, struct run *run,
			   void (*step)(struct run *run));
void training_beside_end(struct training_beside *beside); /* zeroed: nothing happens */

#endif

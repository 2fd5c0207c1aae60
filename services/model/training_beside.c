/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "training_beside.h"

static void *do_step(void *user)
{
	struct training_beside *beside = user;
	beside->step(beside->run);
	return NULL;
}

void training_beside_begin(struct training_beside *beside, struct run *run,
			   void (*step)(struct run *run))
{
	*beside = (struct training_beside){ .run = run, .step = step };
	beside->runs = pthread_create(&beside->thread, NULL, do_step, beside) == 0;
	if (!beside->runs)
		step(run);
}

void training_beside_end(struct training_beside *beside)
{
	if (beside->runs)
		pthread_join(beside->thread, NULL);
	beside->runs = false;
}

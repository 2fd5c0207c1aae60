/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One training job at work; shared by the files that do it. One thread.
 */
#ifndef TICKLINE_MODEL_TRAINING_RUN_H
#define TICKLINE_MODEL_TRAINING_RUN_H

#include "checkpoint.h"
#include "dataset.h"
#include "fit.h"
#include "gate.h"
#include "partial.h"
#include "predictor_json.h"
#include "reading.h"
#include "report.h"
#include "training_beside.h"
#include "training_internal.h"

struct run {
	struct training *training;
	struct task *task;
	struct training_clients *clients;
	struct spec spec;
	char folder[1000];
	struct dataset dataset;
	struct checkpoint known; /* of the training before, see training_known.h */
	struct model_factors known_seen;
	enum error known_holds; /* what HDFS said of it */
	bool known_asked;       /* and that counts */
	char known_memory[300];
	struct text known_why;
	bool resumes;  /* `known` holds for the dataset */
	int attempt;   /* counts the listings */
	int64_t *from; /* its plan */
	struct reading_result reading;
	struct partial_split split;
	struct fit fit;
	struct fit_score score;
	struct predictor predictor;
	struct calibration calibration;
	struct reference reference;
	struct skill skill;
	struct gate_rival rival;
	struct gate gate;
	struct training_beside claiming; /* see training_claim */
	int64_t claimed;                 /* 0: no number */
	int64_t created_us;
	enum job_state state; /* how it ended */
	char memory[JOB_MAX_REASON + 1];
	struct text why; /* becomes the job's reason */
};

/* Lists the dataset and reads what the training before has not: `dataset`, `known`, `resumes` and
 * `reading` are set. Else the error, with `why`. */
enum error training_gather(struct run *run) MUST_USE;

/* A client of the job thread's, for this job: its cancel ends what the client waits for, until
 * webhdfs_cancel_by. */
enum error training_take_client(struct run *run, struct webhdfs **kept, struct text *why) MUST_USE;

/* Begins to claim the number that the version will have, if that has not begun. */
void training_claim(struct run *run);

#endif

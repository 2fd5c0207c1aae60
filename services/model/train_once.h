/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `model --train MODEL`: one training, without a service. HDFS has all that it needs and gets the
 * new version; a service at work beside it finds that version within a minute.
 */
#ifndef TICKLINE_MODEL_TRAIN_ONCE_H
#define TICKLINE_MODEL_TRAIN_ONCE_H

#include <stdio.h>

#include "training.h"

/* `options` without its registry; autotrain and retrain_every_s do not count. The report goes to
 * `out`, what went wrong to standard error. SIGINT and SIGTERM cancel the training, on its cluster
 * as well. 0: there is a new version; 1: there is none. */
int train_once(const struct training_options *options, FILE *out);

#endif

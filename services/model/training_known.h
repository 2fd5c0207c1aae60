/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the training before has read: the local copy of a model's factors is taken and parsed while
 * the dataset is listed, and HDFS is asked whether it still holds while what is new is read. So a
 * retraining waits for neither.
 */
#ifndef TICKLINE_MODEL_TRAINING_KNOWN_H
#define TICKLINE_MODEL_TRAINING_KNOWN_H

#include "training_run.h"

/* Sets `known` to the local copy, if there is one. */
void training_known_take(struct run *run);

/* Asks HDFS whether it holds those factors too. With the client for beside; `known` may be read
 * meanwhile. */
void training_known_ask(struct run *run);

/* After that: true, they stand. Else `known` was replaced by what HDFS holds, or is empty:
 * everything is read again. */
bool training_known_settle(struct run *run);

#endif

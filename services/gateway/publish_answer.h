/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From what became of a request's records to its answer.
 */
#ifndef TICKLINE_GATEWAY_PUBLISH_ANSWER_H
#define TICKLINE_GATEWAY_PUBLISH_ANSWER_H

#include <stdbool.h>

#include "error.h"
#include "http_server.h"
#include "outcome.h"
#include "publisher.h"

/* How the reading of the body ended. */
struct publish_end {
	bool async;         /* the client does not wait for Kafka */
	bool broken;        /* the body is no whole document */
	bool blank;         /* there was no record and no document */
	bool whole;         /* the body was read to its end */
	bool queue_full;    /* that is why records are unavailable */
	enum error body;    /* what http_body_read said */
	const char *reason; /* of `broken` */
};

/* The status for these counts; 0: http_answer_body_error says it all. */
int publish_status_code(const struct outcome_counts *counts, const struct publish_end *end);

/* Answers with the members of an outcome; `status` is not 0. */
void publish_send(struct http_request *request, struct publisher *publisher, int status,
		  const struct text *members);

/* Answers. The outcome is closed. */
void publish_answer(struct http_request *request, struct publisher *publisher,
		    struct outcome *outcome, const struct publish_end *end);

#endif

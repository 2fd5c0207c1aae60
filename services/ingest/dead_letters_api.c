/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * GET /v1/dead-letters: read from HDFS on behalf of whoever asks, also for a partition that
 * another instance holds.
 */
#include <string.h>

#include "dead_letters.h"
#include "ingest.h"

enum { MOST_LETTERS = 1000, LETTERS = 100, ANSWER_BYTES = 4 * 1024 * 1024, WHY_BYTES = 1024 };
static const int64_t MOST_OFFSET = (int64_t)1 << 53; /* a JSON number holds it */

struct answer {
	struct text out;
	int64_t count, limit;
};

/* One letter at least, whatever its size. */
static enum error add_letter(const char *line, size_t length, int64_t offset, void *user)
{
	struct answer *answer = user;
	(void)offset;
	if (answer->count == answer->limit ||
	    (answer->count > 0 && answer->out.length + length > ANSWER_BYTES))
		return ERROR_CANCELLED;
	text_puts(&answer->out, answer->count++ > 0 ? "," : "");
	text_put(&answer->out, line, length);
	return answer->out.error;
}

static enum error read_letters(const struct ingest *ingest, struct dead_letters *letters,
			       struct text *why)
{
	const struct webhdfs_options options =
		hdfs_client_options(&ingest->hdfs, letters->dataset->registry);
	struct webhdfs *hdfs;
	enum error error = webhdfs_new(&options, &hdfs, why);
	if (error)
		return error;
	error = dead_letters_read(letters, hdfs, why);
	webhdfs_destroy(&hdfs);
	return error;
}

static void answer_letters(struct http_request *request, const struct ingest *ingest,
			   const struct dead_letters *asked, int64_t limit)
{
	char memory[WHY_BYTES];
	struct text why;
	text_init_fixed(&why, memory, sizeof memory);
	struct answer answer = { .limit = limit };
	struct dead_letters letters = *asked;
	text_init(&answer.out, ANSWER_BYTES + DEAD_LETTERS_MOST_BYTES + WHY_BYTES);
	text_putf(&answer.out, "{\"dataset\":\"%s\",\"partition\":%d,\"letters\":[",
		  letters.dataset->table->plural, (int)letters.partition);
	letters.visit = add_letter;
	letters.user = &answer;
	enum error error = read_letters(ingest, &letters, &why);
	if (error) {
		http_answer_retry_after(request, 5);
		http_answer_problem(request, 503, "not-read", NULL, "%s",
				    why.length ? why.data : error_text(error));
	} else {
		text_putf(&answer.out, "],\"more\":%s,\"next\":", letters.more ? "true" : "false");
		text_put_i64(&answer.out, letters.next);
		text_putc(&answer.out, '}');
		http_answer_text(request, 200, "application/json", &answer.out);
	}
	text_clean_up(&answer.out);
}

void dead_letters_get(struct http_request *request, void *user)
{
	const struct ingest *ingest = user;
	struct dead_letters letters = { .dataset = dataset_asked(request, ingest) };
	int64_t limit, partition;
	if (!letters.dataset ||
	    http_query_i64(request, "partition", 0, FILE_PARTITION_MAX, 0, &partition) ||
	    http_query_i64(request, "since", 0, MOST_OFFSET, 0, &letters.from) ||
	    http_query_i64(request, "limit", 1, MOST_LETTERS, LETTERS, &limit))
		return;
	letters.partition = (int32_t)partition;
	answer_letters(request, ingest, &letters, limit);
}

/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A scripted NameNode, the dataset of the tests, and a client that asks it. Include it after the
 * headers of cmocka.
 */
#ifndef TICKLINE_TESTS_SCRIPTED_HDFS_H
#define TICKLINE_TESTS_SCRIPTED_HDFS_H

#include "../common/scripted_peer.h"
#include "ingest_testing.h"
#include "webhdfs.h"

#define COUNT(steps) (sizeof(steps) / sizeof((steps)[0]))

struct scripted_hdfs {
	struct peer peer;
	struct webhdfs *client;
	struct text why;
};

static void scripted_begin(struct scripted_hdfs *hdfs, const struct peer_step *steps, size_t count)
{
	char url[64];
	testing_begin();
	peer_start(&hdfs->peer, steps, count);
	text_init(&hdfs->why, 10000);
	snprintf(url, sizeof url, "http://127.0.0.1:%d", hdfs->peer.port);
	const struct webhdfs_options options = {
		.urls = url,
		.user = "u",
		.token = "",
		.host_map = "",
		.limits = { .connect_ms = 5000, .idle_ms = 20000, .total_ms = 60000 },
	};
	assert_int_equal(webhdfs_new(&options, &hdfs->client, NULL), ERROR_OK);
}

/* An error explained itself; every step was asked for, and nothing else. */
static void scripted_end(struct scripted_hdfs *hdfs, enum error error)
{
	assert_true(error == ERROR_OK || error == ERROR_CANCELLED || hdfs->why.length > 0);
	peer_stop(&hdfs->peer);
	assert_int_equal(hdfs->peer.served, hdfs->peer.count);
	peer_clean_up(&hdfs->peer);
	text_clean_up(&hdfs->why);
	webhdfs_destroy(&hdfs->client);
	testing_end();
}

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hadoop's tokens as WebHDFS writes them: base64 of the URL alphabet without padding, of four
 * strings (identifier, password, kind, service), each behind its length. Any thread.
 */
#ifndef TICKLINE_HDFS_TOKEN_H
#define TICKLINE_HDFS_TOKEN_H

#include <stdbool.h>

#include "error.h"
#include "hdfs_block.h"

/* Decodes in place: the token's parts lie in `text` afterwards. False: it is none. */
bool hdfs_token_decode(char *text, struct hdfs_token *token) MUST_USE;

#endif

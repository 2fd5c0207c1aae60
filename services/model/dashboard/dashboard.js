// SPDX-License-Identifier: GPL-3.0-or-later
// The page: each panel is a module that asks for its own resources. Text goes into text nodes only.

import "/choices.js";
import "/now.js";
import "/price.js";
import "/model.js";
import "/training.js";
import "/versions.js";
import "/report.js";
import "/residuals.js";
import "/pipeline.js";
import { pollAll } from "/poll.js";

pollAll();

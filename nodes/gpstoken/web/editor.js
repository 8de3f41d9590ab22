// The editors of this pack, as an extension of the front end.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { register } from "../../lite/front_end.js";
import { widgets } from "./gpstoken.lite.js";

register(app, api, "splatgraph.gpstoken", widgets);

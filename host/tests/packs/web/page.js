import { brush } from "./parts/_brush.js";

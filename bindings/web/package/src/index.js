export { EdgeDetector } from "./detector.js";
export { EdgeMap } from "./map.js";
export { PidinetError } from "./errors.js";

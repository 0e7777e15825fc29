// newsletter, the desk: everything that a page needs, loaded once. Without it each form still works.
import './swap.js'
import './live.js'
import './keys.js'
import './clock.js'
import './reorder.js'
import './meter.js'

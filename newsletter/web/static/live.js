// newsletter, the desk: parts of the page come by server-sent events while <html data-live="url"> is open.
// Each second tells of which moment the figures are; silent for half a minute, they are greyed.
import {put} from './swap.js'

const SILENT = 30_000
const AGAIN = 15_000
const root = document.documentElement
let heard = Date.now()

function beat(moment) {
  heard = Date.now()
  delete root.dataset.stale
  for (const place of document.querySelectorAll('[data-moment]')) place.textContent = moment
}

function open(url) {
  const stream = new EventSource(url)
  stream.addEventListener('part', event => put(event.data))
  stream.addEventListener('beat', event => beat(event.data))
  stream.addEventListener('gone', () => { stream.close(); location.reload() })
  stream.addEventListener('error', () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => open(url), AGAIN)
  })
}

if (root.dataset.live) {
  open(root.dataset.live)
  setInterval(() => { if (Date.now() - heard > SILENT) root.dataset.stale = '1' }, 1000)
}

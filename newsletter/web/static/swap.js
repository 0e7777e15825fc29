// newsletter, the desk: a form marked data-swap is posted without leaving the page. The answer is parts of
// it, each replaced by its id; what a part says in data-say is read out. Nothing is lost when it fails.
import {carry, isWrittenIn} from './keep.js'
import {say} from './say.js'

const busy = new WeakSet()
const waiting = new Map()

function swap(old, part, sent) {
  carry(old, part, sent)
  old.replaceWith(part)
  if (part.dataset.say) say(part.dataset.say)
}

// Replace each part by its id. One in which somebody writes waits until they leave it, unless they asked for
// it; what they wrote and did not post stays theirs either way. `sent` is the form that was posted.
export function put(html, {asked = false, sent = null} = {}) {
  const box = document.createElement('template')
  box.innerHTML = html
  const focus = document.activeElement?.id
  for (const part of [...box.content.children]) {
    const old = part.id && document.getElementById(part.id)
    if (!old) continue
    if (!asked && (isWrittenIn(old) || old.querySelector('[data-lifted]'))) { waiting.set(part.id, part.outerHTML); continue }
    waiting.delete(part.id)
    swap(old, part, sent)
  }
  const home = focus && document.activeElement?.id !== focus && document.getElementById(focus)
  if (home) home.focus({preventScroll: true})
  document.dispatchEvent(new CustomEvent('put'))
}

addEventListener('focusout', () => setTimeout(() => {
  if (!waiting.size) return
  const late = [...waiting.values()].join('')
  waiting.clear()
  put(late)
}))

export async function send(form, submitter) {
  if (busy.has(form)) return null
  busy.add(form)
  form.setAttribute('aria-busy', 'true')
  submitter?.setAttribute('aria-disabled', 'true')
  try {
    const url = submitter?.hasAttribute('formaction') ? submitter.formAction : form.action
    const body = new FormData(form, submitter)
    // Parts that come over the stream are the same for everybody, so the token stands in one form alone
    if (!body.has('token')) body.set('token', document.querySelector('#acts [name=token]').value)
    const answer = await fetch(url, {method: 'POST', body, headers: {'X-Fragment': '1'}, redirect: 'manual'})
    if (answer.type === 'opaqueredirect' || answer.status === 401) { location.reload(); return answer }
    put(await answer.text(), {asked: answer.ok, sent: answer.ok ? form : null})
    if (answer.ok) document.dispatchEvent(new CustomEvent('swapped', {detail: form}))
    return answer
  } catch {
    form.dataset.unsaved = '1'
    say('Nothing was changed: there is no connection. What you wrote is still here.')
    return null
  } finally {
    busy.delete(form)
    form.removeAttribute('aria-busy')
    submitter?.removeAttribute('aria-disabled')
  }
}

addEventListener('submit', event => {
  if (!event.target.matches('form[data-swap]')) return
  event.preventDefault()
  send(event.target, event.submitter)
})

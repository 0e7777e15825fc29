// newsletter, the desk: a form marked data-swap is posted without leaving the page. The answer is parts of
// it, each replaced by its id; what a part says in data-say is read out. Nothing is lost when it fails.
import {say} from './say.js'

const WRITING = 'input:not([type=hidden], [type=checkbox], [type=radio]), textarea, select'
const busy = new WeakSet()

// Replace each part by its id. One in which somebody writes is left alone, unless they asked for it.
export function put(html, {asked = false} = {}) {
  const box = document.createElement('template')
  box.innerHTML = html
  const focus = document.activeElement?.id
  for (const part of [...box.content.children]) {
    const old = part.id && document.getElementById(part.id)
    if (!old) continue
    if (!asked && old.contains(document.activeElement) && document.activeElement.matches(WRITING)) continue
    old.replaceWith(part)
    if (part.dataset.say) say(part.dataset.say)
  }
  if (focus && document.activeElement?.id !== focus) document.getElementById(focus)?.focus()
}

export async function send(form, submitter) {
  if (busy.has(form)) return null
  busy.add(form)
  form.setAttribute('aria-busy', 'true')
  submitter?.setAttribute('aria-disabled', 'true')
  try {
    const url = submitter?.hasAttribute('formaction') ? submitter.formAction : form.action
    const answer = await fetch(url, {
      method: 'POST', body: new FormData(form, submitter), headers: {'X-Fragment': '1'}, redirect: 'manual',
    })
    if (answer.type === 'opaqueredirect' || answer.status === 401) { location.reload(); return answer }
    put(await answer.text(), {asked: answer.ok})
    if (answer.ok) form.dispatchEvent(new CustomEvent('swapped', {bubbles: true}))
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

// data-autosave: posted 600 ms after the last key
let timer
addEventListener('input', event => {
  const form = event.target.form
  if (!form?.matches('[data-autosave]')) return
  clearTimeout(timer)
  timer = setTimeout(() => send(form), 600)
})

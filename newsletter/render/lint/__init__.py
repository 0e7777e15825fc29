"""What is wrong with a theme, found before a reader sees it, with the place in the theme's own files.

    templates   Jinja: syntax, unknown names, missing files, misused holes     seen in the source
    scan        MJML cut into tags and words, in one pass whatever it holds
    markup      balance, nesting, components, attributes, holes in their place seen in what is printed
    styles      what an inlined style sheet may hold
    forbidden   what no mail may carry
    trace       a second printing that knows from which file and line each character comes
    check       all of it over every state of the sample paper: `newsletter theme check`

An edition that is compiled goes through `markup` too, and is traced only when something was found.
"""

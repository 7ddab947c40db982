# Tab for run-foreign in fish: a file in a directory of $fish_complete_path, or run-foreign completion fish | source.

function __run_foreign_complete
    set -l words (commandline --tokenize --current-process --cut-at-cursor)
    set -l raw (commandline --current-token --cut-at-cursor)
    set -l typed (string unescape -- $raw)
    or set typed (string trim --left --chars "\"'" -- $raw)
    set -l command $words[1]
    command --query -- $command
    or set command run-foreign
    set -l lines ($command completion words fish $words[2..-1] "$typed" 2>/dev/null)
    set -l first (string split --max 1 \t -- $lines[1])
    set -l before $first[2]

    if test "$first[1]" = rest
        set -l from (math $before + 2)
        complete --do-complete (string join ' ' -- (string escape -- $words[$from..-1]) "$raw")
        return
    end
    contains -- "$first[1]" words files directories program
    or return
    for line in $lines[2..-1]
        printf '%s\n' "$before$line"
    end
    set -l length (string length -- "$before")
    set -l path (string sub --start (math $length + 1) -- "$typed")
    switch "$first[1]"
        case files program
            for file in (complete --do-complete "'' "(string escape -- "$path"))
                printf '%s\n' "$before$file"
            end
        case directories
            for file in (__fish_complete_directories "$path" '')
                printf '%s\n' "$before$file"
            end
    end
end

complete --command run-foreign --no-files --arguments '(__run_foreign_complete)'

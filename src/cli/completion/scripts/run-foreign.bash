# Tab for run-foreign in bash: a file in the directory of bash-completion, or source <(run-foreign completion bash).

_run_foreign() {
  local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} rest part kind before head breaks='' i
  local -a words=() starts=() lines=()
  COMPREPLY=()

  # bash splits words at = and : too (COMP_WORDBREAKS). What no blank stands between is one word.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    part=${COMP_WORDS[i]}
    rest=${line#"${line%%[![:space:]]*}"}
    ((i == COMP_CWORD)) && part=$rest
    if ((i == 0)) || [[ $rest != "$line" ]]; then
      words+=("$part")
      starts+=("$i")
    else
      words[-1]+=$part
    fi
    line=${rest#"$part"}
  done
  local typed=${words[-1]}

  local command=${words[0]/#\~/$HOME}
  type -P -- "$command" >/dev/null || command=run-foreign
  mapfile -t lines < <("$command" completion words bash "${words[@]:1}" 2>/dev/null)
  kind=${lines[0]%%$'\t'*}
  before=${lines[0]#*$'\t'}

  # Readline puts what is found in the place of what stands behind the last of these.
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=':'
  head=''
  [[ -n $breaks ]] && head=${typed%"${typed##*[$breaks]}"}

  case $kind in
    rest)
      if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "${starts[before + 1]}"
      elif declare -F _command_offset >/dev/null; then
        _command_offset "${starts[before + 1]}"
      fi
      return
      ;;
    words) compopt +o default +o bashdefault ;;
    directories) compopt +o default -o dirnames ;;
    files)
      # Where = parts no words, readline would look for a file that begins with the option.
      if [[ -n $before && -z $head ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -P "$before" -f -- "${typed#"$before"}")
      fi
      return
      ;;
    program)
      [[ $typed == */* || $typed == [~]* ]] && return
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "${typed//[\\\"\']/}")
      ;;
    *) return ;;
  esac

  for line in "${lines[@]:1}"; do
    line=$before${line%%$'\t'*}
    COMPREPLY+=("${line#"$head"}")
  done
  # A value follows.
  ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}

complete -o bashdefault -o default -F _run_foreign run-foreign

import BotHost
import Glibc

if CommandLine.arguments.dropFirst().first == ImageProbe.mode {
  exit(ImageProbe.childMain(Array(CommandLine.arguments.dropFirst(2))))
}

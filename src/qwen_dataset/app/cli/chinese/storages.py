"""What is told of storages and of the files that datasets go to."""

from __future__ import annotations

PAIRS = (
    ("no object is stored under {key}", "{key} 下没有对象"),
    ("an object is already stored under {key}", "{key} 下已经存有对象"),
    ("{key} is not a storage key: {why:t}", "{key} 不是存储的键：{why}"),
    ("it is empty, absolute, or has an empty part between slashes", "它是空的、是绝对路径，或斜杠之间有空的部分"),
    ("'.' and '..' are not allowed in it", "其中不允许有 '.' 和 '..'"),
    ("a backslash is not allowed in it", "其中不允许有反斜杠"),
    ("a control character is not allowed in it", "其中不允许有控制字符"),
    ("it is not valid Unicode", "它不是有效的 Unicode"),
    ("names with {prefix} in front are unfinished writes", "以 {prefix} 开头的名字是尚未写完的文件"),
    ("a part of it is longer than {bytes:n} bytes", "其中一部分超过 {bytes} 字节"),
    ("the file system cannot hold a name as long as this", "文件系统容不下这么长的名字"),
    (
        "a folder on its way below {root} is a link, and links are not followed",
        "{root} 之下的路径中有一个文件夹是链接，而程序不跟随链接",
    ),
    ("no space is left on its disk; free some and run again", "磁盘上没有空间了；请腾出空间后再运行"),
    ("the disk quota is used up; free some space and run again", "磁盘配额已用完；请腾出空间后再运行"),
    (
        "it would be larger than the limit of this process (ulimit -f) or file system",
        "它会超过本进程（ulimit -f）或文件系统的大小上限",
    ),
    ("permission is denied; change its permissions or choose another place", "没有权限；请修改权限或换一个位置"),
    (
        "the system does not permit it; change its permissions or choose another place",
        "系统不允许；请修改权限或换一个位置",
    ),
    ("its file system is read-only; choose another place", "所在的文件系统是只读的；请换一个位置"),
    ("its name is too long", "名字过长"),
    ("it, or a folder on the way, does not exist", "它或途中的某个文件夹不存在"),
    ("a part of the path that should be a folder is a file", "路径中应为文件夹的一部分是文件"),
    ("it is a folder", "它是一个文件夹"),
    ("whoever was reading it went away", "读取方已断开"),
    ("the disk reported an input/output error", "磁盘报告了输入/输出错误"),
    ("the network file system lost track of it", "网络文件系统已找不到它"),
    ("this process has too many files open (ulimit -n)", "本进程打开的文件过多（ulimit -n）"),
    ("{path} could not be written: {why:t}", "未能写入 {path}：{why}"),
    ("{path} could not be read: {why:t}", "未能读取 {path}：{why}"),
    ("{path} could not be deleted: {why:t}", "未能删除 {path}：{why}"),
    ("{path} could not be listed: {why:t}", "未能列出 {path}：{why}"),
    (
        "{path} cannot be written: it is a folder that may hold other objects",
        "无法写入 {path}：它是一个文件夹，里面可能有其他对象",
    ),
    (
        (
            "{path} cannot be created safely: the file system of {root} refuses hard links ({why:gt}); keep the jobs "
            "on another file system"
        ),
        "无法安全地创建 {path}：{root} 所在的文件系统不支持硬链接（{why}）；请把任务放在别的文件系统上",
    ),
    ("nothing can be stored below {folder}: it is not a folder", "{folder} 之下无法存储：它不是文件夹"),
    ("{path} is a link, and links are not followed", "{path} 是链接，而程序不跟随链接"),
    (
        "the storage file: needs a folder and takes no parameters; write file:batch_jobs",
        "存储 file: 需要一个文件夹，不接受参数；请写 file:batch_jobs",
    ),
    (
        "the storage file:{location} is a file; name a folder, such as file:batch_jobs",
        "存储 file:{location} 是一个文件；请指定文件夹，例如 file:batch_jobs",
    ),
    ("the storage memory: takes no location and no parameters", "存储 memory: 不接受位置和参数"),
    ("{key} cannot be stored: it is a folder that holds other objects", "{key} 无法存储：它是一个含有其他对象的文件夹"),
    ("{key} cannot be stored: {above} is an object, not a folder", "{key} 无法存储：{above} 是对象，不是文件夹"),
    ("the dataset cannot be written to {path}: {why:t}", "数据集无法写入 {path}：{why}"),
    (
        "the dataset cannot be written to {path}: {ancestor} is not a folder",
        "数据集无法写入 {path}：{ancestor} 不是文件夹",
    ),
    ("it is a folder; name a file, such as {path}", "它是一个文件夹；请指定文件，例如 {path}"),
    ("permission is denied; change it or name another file", "没有权限；请修改权限或指定别的文件"),
    ("no permission to create files in {folder}", "没有权限在 {folder} 中创建文件"),
    ("the folder {folder} does not exist; create it first", "文件夹 {folder} 不存在；请先创建它"),
    ("a sample for {path} cannot be written as JSON: {error}", "要写入 {path} 的一条样本无法写成 JSON：{error}"),
    (
        "{path} cannot be added to: line {line:n} is not an object; mend or remove it",
        "无法向 {path} 追加：第 {line} 行不是对象；请修正或删除它",
    ),
    (
        "{path} cannot be added to: line {line:n} is not JSON; mend or remove it",
        "无法向 {path} 追加：第 {line} 行不是 JSON；请修正或删除它",
    ),
)

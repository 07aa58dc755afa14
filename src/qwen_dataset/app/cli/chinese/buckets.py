"""What is told of storages in S3 buckets."""

from __future__ import annotations

PAIRS = (
    ("an object store cannot list U+FFFE and U+FFFF", "对象存储无法列出 U+FFFE 和 U+FFFF"),
    ("the object store cannot hold it", "对象存储容不下它"),
    ("with the prefix it is longer than {bytes:n} bytes", "加上前缀后超过 {bytes} 字节"),
    ("it answered {answer}", "它的回应是 {answer}"),
    ("no answer came", "没有得到回应"),
    ("AWS in {region:w}", "AWS 的 {region} 地域"),
    (
        (
            "the AWS profile {profile:q} has no aws_access_key_id and aws_secret_access_key in {files}; for other "
            "kinds of profile run `aws configure export-credentials --format env` and export its output"
        ),
        (
            "AWS profile {profile} 在 {files} 中没有 aws_access_key_id 和 aws_secret_access_key；其他种类的 profile "
            "请运行 `aws configure export-credentials --format env` 并导出它的输出"
        ),
    ),
    (
        (
            "the bucket {bucket:q} is not in the region {region:w}; write its own: region=…, and the endpoint of that "
            "region"
        ),
        "存储桶 {bucket} 不在地域 {region}；请写它自己的地域：region=…，以及那个地域的接入点",
    ),
    ("the certificate of {where:t} is not trusted; {mend:s}", "{where} 的证书不受信任；{mend}"),
    ("name the one to trust: ca=path.pem", "请指明要信任的证书：ca=path.pem"),
    (
        "what ca= names has neither its issuer nor itself (as a certificate that is no CA)",
        "ca= 指明的文件里既没有签发它的证书，也没有它本身（不是 CA 的证书）",
    ),
    ("the endpoint of the storage s3: holds an '@'; {wanted:t}", "存储 s3: 的接入点里有 '@'；{wanted}"),
    (
        "it must be https://host, or http://host:port for a server nearby",
        "应当是 https://host，附近的服务器则是 http://host:port",
    ),
    (
        "the storage s3: ca={path} is not a readable file of certificates in PEM",
        "存储 s3: 的 ca={path} 不是可读的 PEM 证书文件",
    ),
    ("the storage s3: cannot use the endpoint {text:q}; {wanted:t}", "存储 s3: 无法使用接入点 {text}；{wanted}"),
    ("the storage s3: has no parameter {name:q}; known: {known:l}", "存储 s3: 没有参数 {name}；已知的参数：{known}"),
    (
        "the storage s3: has no parameter {name:q}; did you mean {meant:q}? known: {known:l}",
        "存储 s3: 没有参数 {name}；是不是想写 {meant}？已知的参数：{known}",
    ),
    (
        (
            "the storage s3: needs the name of a bucket, 3 to 63 small letters, digits, '-' and '.', and {bucket:q} "
            "is none; write s3://bucket/prefix"
        ),
        (
            "存储 s3: 需要存储桶的名字，即 3 到 63 个小写字母、数字、'-' 和 '.'，而 {bucket} 不是；请写 "
            "s3://bucket/prefix"
        ),
    ),
    (
        "the storage s3: region={region} is not usable, it must be a name such as eu-central-1",
        "存储 s3: 的 region={region} 不可用，应当是 eu-central-1 这样的名字",
    ),
    (
        "the storage s3: {name:w}={value} is not usable, it must be {first:w} or {second:w}",
        "存储 s3: 的 {name}={value} 不可用，应当是 {first} 或 {second}",
    ),
    ("the storage s3://{bucket:w} cannot use this prefix: {why:t}", "存储 s3://{bucket} 无法使用这个前缀：{why}"),
    (
        "the storage {place:w} cannot be asked: its client broke down; check the endpoint",
        "存储 {place} 无法访问：它的客户端出了故障；请检查接入点",
    ),
    ("the storage {place:w} cannot be asked: {why:t}", "存储 {place} 无法访问：{why}"),
    ("the storage {place:w} at {where:t} cannot be reached: {why:t}", "存储 {place}（{where}）无法访问：{why}"),
    (
        "the storage {place:w} cannot do this with the installed obstore; upgrade it",
        "已安装的 obstore 无法对存储 {place} 这样做；请升级它",
    ),
    (
        (
            "the storage {place:w} denies access ({answer}); the key must be allowed to list the bucket and to read, "
            "write and delete below the prefix"
        ),
        "存储 {place} 拒绝访问（{answer}）；密钥须有权列出存储桶，并读取、写入和删除前缀之下的对象",
    ),
    (
        (
            "the storage {place:w} does not take the key ({answer}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY "
            "and AWS_SESSION_TOKEN, or the profile"
        ),
        (
            "存储 {place} 不接受密钥（{answer}）；请检查 AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY 和 "
            "AWS_SESSION_TOKEN，或 profile"
        ),
    ),
    (
        "the storage {place:w} finds the clock of this machine wrong; set it right",
        "存储 {place} 认为本机的时钟不准；请校准",
    ),
    ("the storage {place:w} refuses to do this: {why:t}", "存储 {place} 拒绝这样做：{why}"),
    ("the storage {place:w} takes no more: {why:t}", "存储 {place} 已存不下更多：{why}"),
    (
        "the storage {place:w} was used before this process was forked; spawn it instead",
        "存储 {place} 在本进程 fork 之前已经用过；请改用 spawn",
    ),
    (
        "there are no keys for the storage s3: set {names}, or put them into {files}",
        "存储 s3: 没有密钥：请设置 {names}，或写进 {files}",
    ),
    (
        (
            "there are no keys for the storage {place:w}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a "
            "profile, or give this machine a role"
        ),
        "存储 {place} 没有密钥：请设置 AWS_ACCESS_KEY_ID 和 AWS_SECRET_ACCESS_KEY，指明 profile，或给本机一个角色",
    ),
    (
        "there is no bucket {bucket:q} at {where:t}; create it, or mend the name",
        "{where} 没有存储桶 {bucket}；请创建它，或改正名字",
    ),
    (
        "{path} cannot be read as a file of AWS profiles; mend it, or remove it",
        "{path} 无法作为 AWS profile 文件读取；请修正或删除它",
    ),
    ("{there:w} is set and {missing:w} is not; set both", "设了 {there} 却没有设 {missing}；请两个都设"),
)
